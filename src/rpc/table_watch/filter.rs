//! Which keys a watch is about.

use super::request::WatchRequest;

/// Some keys, or those that begin with a prefix.
pub(super) enum KeyFilter {
    /// In their order.
    Keys(Box<[Box<str>]>),
    Prefix(Box<str>),
}

impl KeyFilter {
    pub(super) fn new(request: &WatchRequest) -> Self {
        if request.keys().count() == 0 {
            return Self::Prefix(request.prefix().into());
        }
        let mut keys: Vec<Box<str>> = request.keys().iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        Self::Keys(keys.into())
    }

    pub(super) fn includes(&self, key: &str) -> bool {
        match self {
            Self::Keys(keys) => keys.binary_search_by(|each| (**each).cmp(key)).is_ok(),
            Self::Prefix(prefix) => key.as_bytes().starts_with(prefix.as_bytes()),
        }
    }
}
