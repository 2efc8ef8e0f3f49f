#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_search"), |data: &[u8]| fuzzing::wv_search::run(data));
