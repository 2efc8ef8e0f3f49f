#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_wbxml"), |data: &[u8]| fuzzing::wv_message::run_wbxml(data));
