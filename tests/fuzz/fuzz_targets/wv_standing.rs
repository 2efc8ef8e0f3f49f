#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_standing"), |data: &[u8]| fuzzing::wv_standing::run(data));
