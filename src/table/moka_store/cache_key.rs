//! What moka holds an entry under: the hash of its key, 64 bits of it.
//!
//! moka allocates each key that it is given, keeps it for as long as the entry lives, and keeps that
//! of the latest replacement beside it. So it is given eight bytes, and the text of the key stands in
//! the entry.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::table::ghosts::KeyHash;

/// The hash of a key, or the key of the placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CacheKey(u64);

impl CacheKey {
    /// No entry has it.
    pub(super) const PLACEHOLDER: Self = Self(0);

    pub(super) fn of(key_hash: KeyHash) -> Self {
        Self(key_hash.as_u64().max(1))
    }

    /// The hash that ghost entries of the key are found by.
    pub(super) fn key_hash(self) -> KeyHash {
        KeyHash::from_u64(self.0)
    }

    pub(super) fn is_placeholder(self) -> bool {
        self == Self::PLACEHOLDER
    }

    /// The number of the share that it falls into, of so many equal shares.
    pub(super) fn share(self, shares: usize) -> usize {
        // By bits in the middle: moka chooses its segments and slots by those at both ends.
        usize::try_from(self.0 >> 20).map_or(0, |bits| bits % shares)
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Leaves a [`CacheKey`] as it is: it is a hash already, and keyed.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl AsItIs {
    pub(super) fn builder() -> BuildHasherDefault<Self> {
        BuildHasherDefault::default()
    }
}

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Not called for a [`CacheKey`].
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}
