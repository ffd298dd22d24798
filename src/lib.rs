//! millpond: a bounded, expiring key-value table fed by a Kafka stream and read over gRPC.
//!
//! One direction, and nothing of a message outlives its handling but the plucked
//! bytes, copied:
//!
//! ```text
//! Kafka -> ingest thread: poll -> pluck -> Record (owned) -> Table
//! caller -> rpc -> Table -> answer
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | [`cli`] | the command line, one file a verb |
//! | [`app`] | the one place that knows all others: configuration in, running service out |
//! | [`ingest`] | Kafka: clients, threads, where to start, how far each partition is |
//! | [`pluck`] | the encoding: JSON to a record or a reason why not |
//! | [`table`] | the bounded, expiring table |
//! | [`record`] | what leaves pluck and enters a table |
//! | [`rpc`] | gRPC: lookups, statistics, health, reflection |
//! | [`admin`] | HTTP: probes |
//! | [`heap`] | the allocator, in accounts that are measured apart |
//! | [`memory`] | limits, budget, readings |
//! | [`health`] | live, ready and fresh |
//! | [`stats`] | one snapshot of it all, in plain data |
//! | [`config`] | the configuration's schema, defaults and faults |
//! | [`telemetry`] | the log |
//! | [`shutdown`] | the signals to stop |
//! | [`proto`] | the generated protocol |

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod health;
pub mod heap;
pub mod ingest;
pub mod memory;
pub mod pluck;
pub mod proto;
pub mod record;
pub mod rpc;
pub mod shutdown;
pub mod stats;
pub mod table;
pub mod telemetry;
