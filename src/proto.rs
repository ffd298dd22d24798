//! The protocols `millpond.v1` and of health: their messages, from the crate `millpond-client`.

pub use millpond_client::{FILE_DESCRIPTOR_SET, health, v1};
