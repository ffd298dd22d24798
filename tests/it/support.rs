//! The tests' surroundings: the harness for brokers, callers and containers, and on it the service
//! itself, in this process or as one of its own.

pub(crate) mod contained;
pub(crate) mod proxy;
pub(crate) mod service;

pub(crate) use millpond_acceptance::{broker, caller, container, guard, kafka};
