#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("wv_date_time"), |data: &[u8]| fuzzing::wv_value::run_date_time(data));
