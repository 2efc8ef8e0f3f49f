#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_session"), |data: &[u8]| fuzzing::wv_session::run(data));
