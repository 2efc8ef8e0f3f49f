#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_publisher"), |data: &[u8]| fuzzing::sip_event::run_publisher(data));
