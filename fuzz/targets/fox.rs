//! A stream of bytes of Foxtalk frames through the deframer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codec::fox::fuzz(bytes));
