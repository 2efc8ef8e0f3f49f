#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_compositor"), |data: &[u8]| fuzzing::sip_store::run_compositor(data));
