#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_credentials"), |data: &[u8]| fuzzing::sip_message::run_credentials(data));
