//! The protocols `millpond.v1` and of health: their messages, from the crate `millpond-client`, and the
//! list of millpond's methods.

mod method;

pub use method::Method;
pub use millpond_client::{FILE_DESCRIPTOR_SET, health, v1};
