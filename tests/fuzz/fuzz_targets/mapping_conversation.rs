#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("mapping_conversation"), |data: &[u8]| fuzzing::mapping_conversation::run(data));
