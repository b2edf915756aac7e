//! A file of the message dictionary.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fuzz::dictionary(bytes));
