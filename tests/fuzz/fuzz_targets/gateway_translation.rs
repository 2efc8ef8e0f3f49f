#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("gateway_translation"), |data: &[u8]| fuzzing::gateway_translation::run(data));
