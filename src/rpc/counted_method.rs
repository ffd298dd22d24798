//! The closed list of methods that calls are counted by: millpond's own, those that tonic serves, and
//! one for all other paths.

use crate::proto::Method;
use crate::stats::{CallKind, UNKNOWN_METHOD};

/// A method that tonic serves: its path, its service, its name and its kind.
type ServedByTonic = (&'static str, &'static str, &'static str, CallKind);

const SERVED_BY_TONIC: [ServedByTonic; 5] = [
    ("/grpc.health.v1.Health/Check", "grpc.health.v1.Health", "Check", CallKind::Unary),
    ("/grpc.health.v1.Health/List", "grpc.health.v1.Health", "List", CallKind::Unary),
    ("/grpc.health.v1.Health/Watch", "grpc.health.v1.Health", "Watch", CallKind::ServerStream),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1.ServerReflection",
        "ServerReflectionInfo",
        CallKind::BidiStream,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection",
        "ServerReflectionInfo",
        CallKind::BidiStream,
    ),
];

/// What a call is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountedMethod {
    Ours(Method),
    /// By its index among those that tonic serves.
    Tonic(usize),
    Unknown,
}

impl CountedMethod {
    /// How many there are.
    pub(super) const COUNT: usize = Method::ALL.len() + SERVED_BY_TONIC.len() + 1;

    /// The method at this path.
    pub(super) fn at(path: &str) -> Self {
        Method::find(path).map_or_else(|| Self::beside_ours(path), Self::Ours)
    }

    fn beside_ours(path: &str) -> Self {
        let found = SERVED_BY_TONIC.iter().position(|(each, ..)| *each == path);
        found.map_or(Self::Unknown, Self::Tonic)
    }

    /// Every one, in the order of [`Self::index`].
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let ours = Method::ALL.into_iter().map(Self::Ours);
        ours.chain((0..SERVED_BY_TONIC.len()).map(Self::Tonic)).chain([Self::Unknown])
    }

    /// Its index among [`Self::COUNT`].
    pub(super) fn index(self) -> usize {
        match self {
            Self::Ours(method) => method as usize,
            Self::Tonic(index) => Method::ALL.len() + index,
            Self::Unknown => Self::COUNT - 1,
        }
    }

    /// Its service and its name. None for what is no method.
    pub(super) fn names(self) -> Option<(&'static str, &'static str)> {
        let (service, name, _) = self.describe();
        (self != Self::Unknown).then_some((service, name))
    }

    /// Its service, its name and its kind.
    pub(super) fn describe(self) -> (&'static str, &'static str, CallKind) {
        match self {
            Self::Ours(method) => {
                let kind =
                    if method.has_stream() { CallKind::ServerStream } else { CallKind::Unary };
                (method.full_service(), method.name(), kind)
            }
            Self::Tonic(index) => {
                let (_, service, name, kind) = SERVED_BY_TONIC[index];
                (service, name, kind)
            }
            Self::Unknown => (UNKNOWN_METHOD, UNKNOWN_METHOD, CallKind::Unary),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use tonic_reflection::pb;

    use super::*;

    #[test]
    fn every_method_has_an_index_of_its_own_and_is_found_at_its_path() {
        let all: Vec<_> = CountedMethod::all().collect();
        assert_eq!(all.len(), CountedMethod::COUNT);
        for (index, method) in all.into_iter().enumerate() {
            assert_eq!(method.index(), index);
            let (service, name, _) = method.describe();
            assert_eq!(CountedMethod::at(&format!("/{service}/{name}")), method);
        }
    }

    #[test]
    fn whatever_else_is_called_counts_as_one_method() {
        for path in ["", "/", "/millpond.v1.LookupService/get", "/grpc.health.v1.Health/Look"] {
            assert_eq!(CountedMethod::at(path), CountedMethod::Unknown, "{path}");
        }
    }

    #[test]
    fn the_methods_of_reflection_are_in_the_list() {
        for set in [pb::v1::FILE_DESCRIPTOR_SET, pb::v1alpha::FILE_DESCRIPTOR_SET] {
            let found = DescriptorPool::decode(set).unwrap();
            let methods: Vec<_> =
                found.services().flat_map(|it| it.methods().collect::<Vec<_>>()).collect();
            assert!(!methods.is_empty());
            for method in methods {
                let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
                assert_ne!(CountedMethod::at(&path), CountedMethod::Unknown, "{path}");
                let (_, _, kind) = CountedMethod::at(&path).describe();
                assert_eq!(kind == CallKind::BidiStream, method.is_client_streaming(), "{path}");
            }
        }
    }
}
