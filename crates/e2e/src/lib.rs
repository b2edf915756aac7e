//! The whole network in tests: nothing is here but what `tests/it` does with the real binary.
