//! The harness of millpond's tests, acceptance runs and benchmarks.
//!
//! Starts brokers and whole millpond processes, and gives them work. Nothing that it started
//! outlives it. It knows millpond only by its command line and its gRPC protocol, and links none
//! of the service's code.
//!
//! | module | what it owns |
//! |---|---|
//! | [`broker`] | either broker that a test runs against, and its topics |
//! | [`kafka`] | a real Kafka node |
//! | [`browser`] | a real browser, and the scripts that drive it |
//! | [`container`] | a memory limit around a process |
//! | [`thread_limit`] | a limit of threads around a process |
//! | [`system_clock`] | a system clock for one process, which can be set |
//! | [`terminal`] | a terminal for a command |
//! | [`served`] | `millpond serve` as a process, with its log |
//! | [`language`] | programs in other languages, and how they are built |
//! | [`cargo`] | which `millpond` binary is tested, and the folder for logs |
//! | [`process`], [`guard`] | processes that end with their owner |
//! | [`caller`] | requests to a running service |
//! | [`frames`] | HTTP/2 frames made by hand |
//! | [`records`], [`documents`], [`producer`] | a stream that can be checked to the last byte |
//! | [`topics`] | topics on a real broker |
//! | [`cost`] | CPU time and memory of a process |
//! | [`authority`], [`mount`], [`hex`] | certificates, the folders that hold them, and hashes of tokens |
//! | [`status_code`] | the names of gRPC's status codes |
//! | [`promtool`] | the tool that checks metrics and rules |
//! | [`secret_search`] | a secret in text, in any encoding |
//! | [`require`] | whether what a machine lacks may be skipped |
//! | [`stop`] | a signal that stops threads |
//! | [`report`], [`size`] | output and arguments of a program |

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test or a run ends when its environment lacks something"
)]
#![expect(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "they end a run, and the message says why"
)]

pub mod authority;
pub mod broker;
pub mod browser;
pub mod caller;
pub mod cargo;
pub mod container;
pub mod cost;
pub mod documents;
pub mod frames;
pub mod guard;
pub mod hex;
pub mod kafka;
pub mod language;
pub mod mount;
pub mod process;
pub mod producer;
pub mod promtool;
pub mod records;
pub mod report;
pub mod require;
pub mod secret_search;
pub mod served;
pub mod size;
pub mod status_code;
pub mod stop;
pub mod system_clock;
pub mod terminal;
pub mod thread_limit;
pub mod topics;
