//! Draws records: new keys, updates, tombstones and all kinds of bad records.
//!
//! Any record of a key may go to any partition, as it does where partitions are added to a topic or
//! where keys are plucked from documents. The text of a record contains the name of its batch.

use fastrand::Rng;
use millpond_acceptance::documents::{Broken, Documents};

use crate::scene::{Scene, WRITERS, now_ms};

/// More than the largest entry that a table accepts, and less than the largest document.
const TOO_LARGE_ENTRY_BYTES: usize = 1_100_000;
/// Most documents are smaller.
const DOCUMENT_BYTES: usize = 1_500;
const LONG_KEY_BYTES: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    New,
    Update,
    Tombstone,
    /// Its timestamp is so old that it has expired on arrival.
    Late,
    /// Its timestamp is in the future.
    Early,
    Broken,
    LongKey,
    /// Its key is neither text nor a number.
    OddKey,
    TooLargeEntry,
}

pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) partition: i32,
    pub(crate) key: String,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) time_ms: i64,
}

/// Draws the records of one writer.
pub(crate) struct Drafts {
    writer: usize,
    documents: Documents,
    /// How many keys this writer has made.
    made: u32,
}

impl Drafts {
    pub(crate) fn new(writer: usize, rng: &mut Rng) -> Self {
        Self { writer, documents: Documents::new(rng), made: 0 }
    }

    pub(crate) fn draw(&mut self, batch: &str, scene: &Scene, rng: &mut Rng) -> Draft {
        // A single draw, whatever the number of partitions, so later draws do not depend on it.
        let partition = i32::from(rng.u8(..)) % scene.partitions();
        let kind = Kind::draw(scene, rng);
        let key = self.key(kind, rng);
        let payload = self.payload(kind, &key, batch, rng);
        Draft { kind, partition, key, payload, time_ms: kind.time_ms(scene) }
    }

    fn key(&mut self, kind: Kind, rng: &mut Rng) -> String {
        let number = if kind == Kind::New { self.made } else { rng.u32(..) % self.made.max(1) };
        self.made += u32::from(kind == Kind::New);
        // Also keys of other writers, whose numbers are similar.
        let writer =
            if kind == Kind::New || rng.bool() { self.writer } else { rng.usize(..WRITERS) };
        format!("w{writer}-{number}")
    }

    fn payload(&self, kind: Kind, key: &str, batch: &str, rng: &mut Rng) -> Option<Vec<u8>> {
        let text = text(batch, rng);
        let bytes = rng.usize(200..DOCUMENT_BYTES);
        let long = "k".repeat(LONG_KEY_BYTES);
        let whole = match kind {
            Kind::Tombstone => return None,
            Kind::LongKey => self.documents.document(&long, &text, bytes, rng),
            Kind::OddKey => format!(r#"{{"id":[{bytes}],"description":"{batch}"}}"#),
            Kind::TooLargeEntry => {
                self.documents.document(key, &"x".repeat(TOO_LARGE_ENTRY_BYTES), 0, rng)
            }
            _ => self.documents.document(key, &text, bytes, rng),
        };
        let broken = (kind == Kind::Broken).then(|| Broken::draw(rng).of(&whole, &self.documents));
        Some(broken.unwrap_or_else(|| whole.into_bytes()))
    }
}

fn text(batch: &str, rng: &mut Rng) -> String {
    let length = rng.usize(..120);
    let rest: String = (0..length).map(|_| rng.alphanumeric()).collect();
    format!("{batch} \"{rest}\" 🎉\u{1}")
}

impl Kind {
    fn draw(scene: &Scene, rng: &mut Rng) -> Self {
        match rng.u8(..100) {
            ..35 => Self::New,
            35..70 => Self::Update,
            70..82 => Self::Tombstone,
            82..86 => Self::Late,
            // It would expire one time to live after its arrival, which the model cannot know.
            86..89 if scene.nothing_expires() => Self::Early,
            86..95 => Self::Broken,
            95..97 => Self::LongKey,
            97..99 => Self::OddKey,
            _ => Self::TooLargeEntry,
        }
    }

    fn time_ms(self, scene: &Scene) -> i64 {
        let ttl_ms = i64::try_from(scene.ttl.as_millis()).unwrap_or(i64::MAX / 4);
        match self {
            Self::Late => now_ms() - 2 * ttl_ms,
            Self::Early => now_ms() + ttl_ms,
            _ => now_ms(),
        }
    }
}
