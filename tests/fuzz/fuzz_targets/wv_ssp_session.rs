#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_ssp_session"), |data: &[u8]| fuzzing::wv_ssp_session::run(data));
