//! Behaviours of the whole service, seen from outside, over real protocols.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not so"
)]

mod architecture;
mod command;
mod conditions;
mod container_harness;
mod in_flight;
mod kafka_harness;
mod lookups;
mod poison;
mod rejections;
mod retained_payload;
mod shutdown;
mod start;
mod stream;
mod support;
mod topic_changes;
