#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_notifier"), |data: &[u8]| fuzzing::sip_event::run_notifier(data));
