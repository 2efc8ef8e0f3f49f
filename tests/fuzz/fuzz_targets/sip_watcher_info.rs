#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_watcher_info"), |data: &[u8]| fuzzing::sip_body::run_watcher_info(data));
