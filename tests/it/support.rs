//! What the tests run against: brokers, callers and containers of the harness, and the service in
//! this process or in a process of its own.

pub(crate) mod certificates;
pub(crate) mod collector;
pub(crate) mod contained;
pub(crate) mod http2;
pub(crate) mod patient;
pub(crate) mod proxy;
pub(crate) mod scrape;
pub(crate) mod service;

pub(crate) use millpond_acceptance::{broker, caller, container, guard, kafka, promtool};
