#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_client"), |data: &[u8]| fuzzing::wv_client::run(data));
