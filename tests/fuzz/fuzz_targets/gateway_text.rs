#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("gateway_text"), |data: &[u8]| fuzzing::gateway_text::run(data));
