//! The link crate from outside: certificates, real TLS on loopback, and connections on virtual time.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks the one event that it waits for")]

mod authority;
mod connection;
mod dialer;
mod listener;
mod outside;
mod support;
