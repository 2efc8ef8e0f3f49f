#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_registration"), |data: &[u8]| fuzzing::sip_registration::run(data));
