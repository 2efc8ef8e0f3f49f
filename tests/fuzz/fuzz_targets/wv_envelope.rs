#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_envelope"), |data: &[u8]| fuzzing::wv_message::run_envelope(data));
