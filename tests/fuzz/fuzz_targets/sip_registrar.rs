#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_registrar"), |data: &[u8]| fuzzing::sip_store::run_registrar(data));
