//! The whole network in tests.
