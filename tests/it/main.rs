//! End-to-end tests: they see the whole service from outside, over its real protocols.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not so"
)]

mod access;
mod admin_api;
mod admin_port;
mod architecture;
mod calling;
mod check_connection;
mod client_tls;
mod client_verbs;
mod clock_steps;
mod command;
mod conditions;
mod connection_memory;
mod connections;
mod container_harness;
mod costs;
mod counters;
mod dashboard;
mod deletes;
mod encodings;
mod explain;
mod freshness;
mod health_checks;
mod idle_partitions;
mod json_lookups;
mod kafka_files;
mod kafka_harness;
mod largest;
mod leak_demo;
mod log_filter;
mod log_lines;
mod lookups;
mod metrics;
mod misses;
mod monitoring;
mod near_cache;
mod newer;
mod open_files;
mod otlp;
mod own_writes;
mod poison;
mod pressure;
mod profiles;
mod projection;
mod record_times;
mod rejections;
mod request_ids;
mod retained_payload;
mod rust_client;
mod scan;
mod shutdown;
mod slow_brokers;
mod slow_callers;
mod stalls;
mod start;
mod stop_signals;
mod stream;
mod stream_get;
mod support;
mod table_descriptions;
mod terminal;
mod thread_limits;
mod tls;
mod tls_memory;
mod told;
mod topic_changes;
mod try_records;
mod watch;
mod watch_stats;
mod wrong_connections;
