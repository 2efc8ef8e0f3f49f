#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_resolve"), |data: &[u8]| fuzzing::sip_resolve::run(data));
