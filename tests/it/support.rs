//! What the tests stand on: brokers to feed a service, the service itself, and walls around one.

pub(crate) mod broker;
pub(crate) mod caller;
pub(crate) mod contained;
pub(crate) mod container;
pub(crate) mod kafka;
pub(crate) mod service;
