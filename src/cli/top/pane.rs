//! Which panes with rows there are.

/// A pane with rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Pane {
    #[default]
    Tables,
    Partitions,
    Callers,
    Memory,
}

impl Pane {
    /// In the order of their digits.
    pub(super) const ALL: [Self; 4] = [Self::Tables, Self::Partitions, Self::Callers, Self::Memory];

    pub(super) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub(super) fn before(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Partitions => "partitions",
            Self::Callers => "callers",
            Self::Memory => "memory",
        }
    }
}
