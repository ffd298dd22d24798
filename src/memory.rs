//! Where the process's memory is and how much of it there may be.
//!
//! Reads what the system says and does the sums; knows neither tables nor the
//! stream. Sizes are in bytes.

mod budget;
mod limit;
mod rss;

pub use budget::{Budget, Line, Needs, OverBudget};
pub use limit::{Limit, LimitSource};
pub use rss::rss_bytes;
