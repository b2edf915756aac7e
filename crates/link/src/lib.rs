//! Drives a session over TLS: accept, dial, certificates and their authority.
