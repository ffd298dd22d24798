//! What a profile has: its stacks, with the names of their functions and the files that they are from.

use std::time::Duration;

use super::modules::Modules;
use super::stacks::Stacks;
use super::symbols::Symbols;

/// What a profile measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Memory in use, by the code that allocated it.
    Heap,
    /// CPU time, by the code that took it.
    Cpu,
}

/// Stacks with names.
#[derive(Debug)]
pub(super) struct NamedStacks {
    pub(super) kind: Kind,
    /// How long it was measured.
    pub(super) duration: Duration,
    pub(super) stacks: Stacks,
    pub(super) symbols: Symbols,
    pub(super) modules: Modules,
}
