//! What is called.

use super::shared_name::SharedName;

pub(super) struct Target {
    pub(super) addresses: [String; 2],
    /// The name of both.
    pub(super) name: SharedName,
    pub(super) table: &'static str,
    pub(super) keys: Vec<String>,
}
