//! The `orinet` binary.
fn main() {}
