//! The protocol `millpond.v1`, generated from `proto/` at build time.

/// The whole protocol as an encoded `FileDescriptorSet`, comments included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/millpond.v1.bin"));

/// What a caller needs: plain messages and the clients of the services.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/client/millpond.v1.rs"));
}

/// What the server needs: questions in it do not allocate for each key.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]
pub mod server {
    include!(concat!(env!("OUT_DIR"), "/server/millpond.v1.rs"));
}
