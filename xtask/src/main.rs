//! Everything the project does to itself: test, lint, bench.
fn main() {}
