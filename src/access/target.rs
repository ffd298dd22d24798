//! What a call is for: a method, and the tables that it is about.

use crate::proto::Method;

/// What a caller calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A method of ours.
    Method(Method),
    /// The reflection of the protocol, in any of its versions.
    Reflection,
    /// A path at which there is nothing.
    Unknown,
}

/// The tables that a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The table of this name, whether it exists or not.
    Table(&'a str),
    /// The whole service, or all of its tables.
    AllTables,
    /// Those that the caller may see. The answer has to leave out the others.
    VisibleTables,
}

impl Target {
    /// How many there are.
    pub(super) const COUNT: usize = Method::ALL.len() + 2;

    /// Every target.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Method::ALL.into_iter().map(Self::Method).chain([Self::Reflection, Self::Unknown])
    }

    /// Its place among all.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Method(method) => method as usize,
            Self::Reflection => Method::ALL.len(),
            Self::Unknown => Method::ALL.len() + 1,
        }
    }

    /// Its name in the statistics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Method(method) => method.name(),
            Self::Reflection => "ServerReflection",
            Self::Unknown => "unknown",
        }
    }

    /// Whether everybody may call it where there is no policy.
    pub(super) fn is_for_everybody(self) -> bool {
        match self {
            Self::Method(method) => method.service() == "LookupService",
            Self::Reflection => false,
            // There is nothing to be had.
            Self::Unknown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_place_of_its_own() {
        let places: Vec<_> = Target::all().map(Target::index).collect();
        assert_eq!(places, (0..Target::COUNT).collect::<Vec<_>>());
    }
}
