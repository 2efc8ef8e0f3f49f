#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("gateway_scenario"), |data: &[u8]| fuzzing::gateway_scenario::run(data));
