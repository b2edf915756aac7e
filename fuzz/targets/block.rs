//! A stream of bytes through the deframer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::block::fuzz(bytes));
