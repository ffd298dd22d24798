//! What the tests stand on: brokers to feed a service and the service itself.

pub(crate) mod broker;
pub(crate) mod kafka;
pub(crate) mod service;
