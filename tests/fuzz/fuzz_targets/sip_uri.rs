#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_uri"), |data: &[u8]| fuzzing::sip_message::run_uri(data));
