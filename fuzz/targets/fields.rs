//! A message's body, as fields and as the body of every key.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fuzz::fields(bytes));
