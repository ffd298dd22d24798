//! How much memory the process may use, and where its memory is.
//!
//! Reads figures from the operating system and the allocator, and computes with them:
//! the limit, the budget that divides it, the census of all bytes by type, and the
//! pressure stage. Does not know tables, Kafka or callers. Who acts on the figures is
//! decided elsewhere. All sizes are in bytes.

mod budget;
mod census;
mod limit;
mod mib;
mod pressure;
mod purpose;
mod reclaim_report;
mod resident;
mod usage;

pub use budget::{Budget, BudgetError, Line, Needs};
pub use census::{Accounts, Census, MemoryType, TypeBytes};
pub use limit::{Limit, LimitSource};
pub use pressure::{Pressure, Stage};
pub use purpose::Purpose;
pub use reclaim_report::{ExpectedBytes, Finding, ReclaimReport};
pub use resident::rss_bytes;
pub use usage::Usage;
