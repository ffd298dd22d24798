//! The protocol `millpond.v1` and the health protocol: messages from the crate `millpond-client`, and
//! the server's side.

pub use millpond_client::{FILE_DESCRIPTOR_SET, health, v1};

/// The services as the server implements them, generated at build time. Their two lookup
/// requests are types of [`rpc`](crate::rpc), which do not allocate for each key.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]
pub mod server {
    include!(concat!(env!("OUT_DIR"), "/millpond.v1.rs"));
}
