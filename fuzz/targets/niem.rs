//! Any bytes as a document of a NIEM station, and as a body on its way to one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fuzz::niem(bytes));
