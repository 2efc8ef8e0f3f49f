#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_xml"), |data: &[u8]| fuzzing::wv_message::run_xml(data));
