//! The protocols `millpond.v1` and of health: their messages, from the crate `millpond-client`, the
//! list of millpond's methods, and the messages in JSON.

mod json;
mod method;

pub use json::JsonMessages;
pub use method::Method;
pub use millpond_client::{FILE_DESCRIPTOR_SET, health, v1};
