#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_stream"), |data: &[u8]| fuzzing::sip_message::run_stream(data));
