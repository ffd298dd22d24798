//! How notes are laid out: 16 bytes each, four to a bucket, the newest first.

use super::Ghost;
use crate::record::Timestamp;

const NOTES: usize = 4;

/// What a note says, or the partition that the deleting record came from, which is never
/// negative.
const NOTHING: i32 = -1;
const EXPIRED: i32 = -2;
const EVICTED: i32 = -3;

#[derive(Debug, Clone, Copy)]
struct Note {
    fingerprint: u32,
    what: i32,
    /// An offset, or milliseconds.
    number: i64,
}

impl Note {
    const EMPTY: Self = Self { fingerprint: 0, what: NOTHING, number: 0 };

    fn new(fingerprint: u32, gone: Ghost) -> Self {
        let (what, number) = match gone {
            Ghost::Expired(time) => (EXPIRED, time.as_millis()),
            Ghost::Evicted(time) => (EVICTED, time.as_millis()),
            Ghost::Deleted { partition, offset } => (partition, offset),
        };
        Self { fingerprint, what, number }
    }

    fn gone(self) -> Option<Ghost> {
        let time = Timestamp::from_millis(self.number);
        match self.what {
            NOTHING => None,
            EXPIRED => Some(Ghost::Expired(time)),
            EVICTED => Some(Ghost::Evicted(time)),
            partition => Some(Ghost::Deleted { partition, offset: self.number }),
        }
    }

    fn is_of(self, fingerprint: u32) -> bool {
        self.fingerprint == fingerprint && self.what != NOTHING
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// Without gaps.
    notes: [Note; NOTES],
    forgot: bool,
}

impl Bucket {
    pub(super) const EMPTY: Self = Self { notes: [Note::EMPTY; NOTES], forgot: false };

    /// Whether a note was ever dropped for want of room.
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    pub(super) fn noted(&self, fingerprint: u32) -> Option<Ghost> {
        self.place(fingerprint).and_then(|place| self.notes[place].gone())
    }

    pub(super) fn note(&mut self, fingerprint: u32, gone: Ghost) {
        let place = self.place(fingerprint).unwrap_or(NOTES - 1);
        let dropped = self.notes[place];
        self.forgot |= dropped.what != NOTHING && !dropped.is_of(fingerprint);
        self.notes.copy_within(..place, 1);
        self.notes[0] = Note::new(fingerprint, gone);
    }

    fn place(&self, fingerprint: u32) -> Option<usize> {
        self.notes.iter().position(|note| note.is_of(fingerprint))
    }
}
