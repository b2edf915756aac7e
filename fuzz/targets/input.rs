//! A message as a station sends it, through to the check of its body.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fuzz::input(bytes));
