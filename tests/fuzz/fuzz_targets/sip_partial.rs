#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_partial"), |data: &[u8]| fuzzing::sip_body::run_partial(data));
