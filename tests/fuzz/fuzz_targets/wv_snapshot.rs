#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_snapshot"), |data: &[u8]| fuzzing::wv_session::run_snapshot(data));
