//! The person index: build, map, look up, rank. Knows no wire format.
