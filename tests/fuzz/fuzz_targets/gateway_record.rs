#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("gateway_record"), |data: &[u8]| fuzzing::gateway_record::run(data));
