//! Drives a session over TLS: accept, dial, certificates and their authority.
//!
//! ```text
//!   station                                                      switch
//!   Dialer::run ── connection::drive ── TLS 1.3 ── Link::drive ── Listener::serve
//!        │                 └── session        session ──┘              │
//!   tls::ClientFiles                                          tls::ServerFiles, looked at each second
//!        └───────────────── authority::Authority ──────────────────────┘
//! ```
//!
//! - [`authority`] makes and keeps the certificates and the revocation list.
//! - [`tls`] makes TLS configurations from them, [`certificate`] reads who a certificate's holder is.
//! - [`connection`] drives one session over one connection, on either end.
//! - [`listener`] accepts links for the switch and closes those whose certificate no longer holds.
//! - [`dialer`] keeps a station's link and sends again what was not acknowledged.
//!
//! A station is whom its certificate names (`protocol-specs/wire.md` 1), and a link exists only once that is proven and
//! was not revoked. Everything runs on whatever tokio runtime it is called on, one thread is enough. Nothing here logs
//! or counts: what happens is told through callbacks, with labels out of closed sets.

pub mod authority;
pub mod certificate;
pub mod connection;
pub mod dialer;
pub mod listener;
pub mod tls;
