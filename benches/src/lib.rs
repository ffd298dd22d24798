//! What several benchmarks share: the same work for each side that is measured.
//!
//! | module | what it owns |
//! |---|---|
//! | [`setup`] | how millpond is set up |
//! | [`reading`] | millpond as it reads a topic to its end |
//! | [`bare`] | the same with records that are polled and dropped |
//! | [`topic`], [`workload`] | what is read |
//! | [`subject`], [`shape`] | a table in this process, and its keys and values |
//! | [`contenders`], [`documents`] | ways to pluck, and what from |

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
