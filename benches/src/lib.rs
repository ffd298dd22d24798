//! Code that several benchmarks share, so that each side does the same work.
//!
//! | module | what it owns |
//! |---|---|
//! | [`setup`] | settings and start of millpond |
//! | [`reading`] | millpond while it reads a topic to its end |
//! | [`bare`] | the baseline, which polls records and drops them |
//! | [`topic`], [`workload`] | the records to read |
//! | [`subject`], [`shape`] | a table in this process, and its keys and values |
//! | [`contenders`], [`documents`] | JSON parsers to compare, and documents for them |

#![expect(clippy::missing_errors_doc, reason = "they end a benchmark, and the message says why")]

pub mod bare;
pub mod contenders;
pub mod documents;
pub mod reading;
pub mod setup;
pub mod shape;
pub mod subject;
pub mod topic;
pub mod workload;
