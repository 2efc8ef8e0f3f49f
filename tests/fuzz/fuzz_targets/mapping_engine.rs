#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("mapping_engine"), |data: &[u8]| fuzzing::mapping_engine::run(data));
