//! The binary: every role as a subcommand, and the demo.
