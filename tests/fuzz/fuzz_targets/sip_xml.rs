#![no_main]
use acceptance::fuzzing;
libfuzzer_sys::fuzz_target!(init: fuzzing::seed::write("sip_xml"), |data: &[u8]| fuzzing::sip_xml::run(data));
