#![doc = include_str!("../README.md")]
//!
//! | item | what it is |
//! |---|---|
//! | [`Client`] | connections to one service or to all its instances, and the stubs of its methods |
//! | [`Scan`] | the entries of a table |
//! | [`Watch`] | the changes of a table |
//! | [`LookupStream`] | many lookups at once |
//! | [`NearCache`] | copies of entries in this process, kept fresh by a watch |
//! | [`ConnectOptions`] | how to connect: TLS, certificates, a token |
//! | [`AuthorizedChannel`] | the channel of the stubs, which sends the token |
//! | [`ConnectError`] | the error if there is no connection |
//! | [`v1`] | the messages and stubs of `millpond.v1`, generated from `proto/` |
//! | [`health`] | the messages and stubs of `grpc.health.v1`, the standard health protocol |
//! | [`FILE_DESCRIPTOR_SET`] | the protocol's descriptors, for use at run time |

mod balance;
mod batch;
mod budget;
mod calls;
mod channel;
mod client;
mod connect;
mod connect_error;
mod connections;
mod dial;
mod endpoint;
mod freshness;
mod handshake_alert;
mod lookup_stream;
mod near_cache;
#[cfg(not(feature = "tls"))]
mod no_tls;
mod retry;
mod scan;
#[cfg(feature = "tls")]
mod tls;
mod tls_files;
mod token;
mod watch;

#[cfg(not(feature = "tls"))]
use no_tls as tls;

pub use channel::AuthorizedChannel;
pub use client::Client;
pub use connect::ConnectOptions;
pub use connect_error::ConnectError;
pub use lookup_stream::LookupStream;
pub use near_cache::{NearAnswer, NearCache, NearCacheOptions, NearCacheStats};
pub use scan::Scan;
pub use watch::Watch;

/// The protocols `millpond.v1` and `grpc.health.v1` as an encoded
/// `google.protobuf.FileDescriptorSet`, comments included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/millpond.v1.bin"));

/// The messages of `millpond.v1` and the clients of its services.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/millpond.v1.rs"));
}

/// The messages of `grpc.health.v1` and the client of its service.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]
pub mod health {
    include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
}
