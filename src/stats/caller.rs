//! Who costs what: what the calls of each caller took.

use std::time::Duration;

/// What the calls of one caller about one table took since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerStats {
    /// The caller: its identity as a policy names it, or the address that it calls from. "other" is
    /// for all that found no room.
    pub caller: String,
    /// The table. None for calls that are about no table, or about several.
    pub table: Option<String>,
    /// How many calls were answered, well or not.
    pub calls: u64,
    /// The keys that they looked up.
    pub keys: u64,
    /// The bytes of their answers.
    pub answer_bytes: u64,
    /// The time that threads worked on them, without what the transport took.
    pub busy: Duration,
    /// How many of them were shed.
    pub shed: u64,
    /// From the beginning to the answer, for the slowest. Waits count.
    pub slowest: Duration,
}
