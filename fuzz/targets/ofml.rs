//! A document through the reader of OFML, and what is written of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::ofml::fuzz(bytes));
