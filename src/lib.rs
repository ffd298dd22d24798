//! millpond: a bounded, expiring key-value table, fed by Kafka and read over gRPC.
//!
//! A record goes one way, and one thread takes it all the way:
//!
//! ```text
//!  Kafka
//!    |  librdkafka fetches into a buffer of bounded size
//!    v
//!  ingest   polls one message
//!    |
//!    v
//!  pluck    parses it; lends a draft (key, fields, expiry) from scratch memory, or rejects it
//!    |
//!    v
//!  table    copies the draft into its store: nothing else of the message stays in memory
//!    |
//!    v
//!  ingest   counts the outcome, advances the position, polls the next message
//! ```
//!
//! A table gets no owned record. The draft borrows scratch memory that the next message reuses,
//! so keeping a draft is a compile error.
//!
//! A lookup reads the same tables from other threads:
//!
//! ```text
//!  caller -> rpc -> table -> response, copied into a buffer of bounded size -> caller
//! ```
//!
//! [`app`] builds all parts and connects them. The parts do not know each other, except along
//! these arrows and as the architecture test allows.
//!
//! | module | what it owns |
//! |---|---|
//! | [`cli`] | the command line, one file for each verb |
//! | [`app`] | the composition root: configuration in, running service out |
//! | [`clock`] | the clock that lives are counted with |
//! | [`config`] | the configuration: its keys, defaults and faults |
//! | [`ingest`] | Kafka: clients, threads, where to start, the progress of each partition |
//! | [`pluck`] | the encoding: from JSON to a draft or a reason to reject |
//! | [`record`] | what `pluck` returns and a table stores |
//! | [`request_id`] | the id of a call, for errors and the log |
//! | [`table`] | the bounded, expiring table and its stores |
//! | [`rpc`] | the gRPC server: lookups, statistics, health, reflection |
//! | [`access`] | who may do what: identities, tokens, the policy |
//! | [`admin`] | the HTTP server: probes, figures, the dashboard |
//! | [`memory`] | the memory limit, the budget, the census, the pressure |
//! | [`heap`] | the allocator, with an account for each use of memory |
//! | [`health`] | live, ready and fresh |
//! | [`stats`] | one snapshot of the service, in plain data |
//! | [`history`] | the past of these figures, in a fixed size |
//! | [`profile`] | profiles of the process: memory by what allocated it, CPU time by what took it |
//! | [`telemetry`] | the log, the metrics, and what is sent to a collector |
//! | [`trace`] | which calls are traced, and their spans until they are sent |
//! | [`tls`] | the TLS of a port: its certificates, their rotation, the handshake |
//! | [`threads`] | whether the system gives threads, and threads that wait for their work |
//! | [`small_file`] | reads the small files that a configuration names |
//! | [`shutdown`] | the signals that stop the process |
//! | [`proto`] | the generated protocol |

pub mod access;
pub mod admin;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod health;
pub mod heap;
pub mod history;
pub mod ingest;
pub mod memory;
pub mod pluck;
pub mod profile;
pub mod proto;
pub mod record;
pub mod request_id;
pub mod rpc;
pub mod shutdown;
pub mod small_file;
pub mod stats;
pub mod table;
pub mod telemetry;
pub mod threads;
pub mod tls;
pub mod trace;
