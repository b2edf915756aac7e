//! A configuration file of the switch.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| switch::config::fuzz(bytes));
