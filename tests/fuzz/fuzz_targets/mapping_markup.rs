#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("mapping_markup"), |data: &[u8]| fuzzing::wv_segment::run_markup(data));
