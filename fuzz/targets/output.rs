//! A message as a station receives it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fuzz::output(bytes));
