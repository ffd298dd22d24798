//! The stream as a function of a seed and a record number. Whoever knows both can compute the
//! record, so that an answer can be checked to its last byte without keeping what was sent.
//!
//! Owns the keys and values. Knows nothing of Kafka, nor of the format of documents.

use fastrand::Rng;

use crate::documents::{Broken, Documents};

/// The number of bad records in a thousand.
const BROKEN_PER_MILLE: u64 = 5;
const TOMBSTONES_PER_MILLE: u64 = 20;
/// The number of records in a hundred that reuse an earlier key.
const AGAIN_PER_CENT: u64 = 33;
/// Half of those follow soon after the earlier record, within this many records.
const SOON_RECORDS: u64 = 20_000;
/// The smallest value is 16 B. It doubles at most this often, up to 64 KiB. Most values are small.
const VALUE: Skew = Skew { smallest: 16, doublings: 12.0, power: 4 };
/// The smallest document is 0.5 KiB. It doubles at most this often, up to 1 MiB.
const NOISE: Skew = Skew { smallest: 512, doublings: 11.0, power: 32 };
/// The text that fills a value. JSON has to escape parts of it.
const TEXT: &[u8] = b"the quick \"brown\" fox\njumps over\\under 13 lazy dogs; ";

/// Each draw for a record has its own random numbers.
#[derive(Debug, Clone, Copy)]
enum Dice {
    Kind = 1,
    Key,
    Value,
    Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    Tombstone,
    Broken,
}

/// The whole stream.
#[derive(Debug)]
pub struct Records {
    seed: u64,
    documents: Documents,
}

impl Records {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, documents: Documents::new(&mut Rng::with_seed(seed)) }
    }

    /// The record's key: a new one, or that of an earlier record.
    pub fn key(&self, mut number: u64) -> String {
        while let Some(earlier) = self.earlier(number) {
            number = earlier;
        }
        format!("k{number:x}")
    }

    /// A key that no record ever has.
    pub fn foreign_key(number: u64) -> String {
        format!("x{number:x}")
    }

    /// The record's payload. None is a tombstone.
    pub fn payload(&self, number: u64) -> Option<Vec<u8>> {
        let mut rng = self.dice(number, Dice::Document);
        let kind = self.kind(number);
        if kind == Kind::Tombstone {
            return None;
        }
        let (key, value) = (self.key(number), self.value(number));
        let noise_bytes = NOISE.draw(&mut rng);
        let whole = self.documents.document(&key, &value, noise_bytes, &mut rng);
        if kind == Kind::Broken {
            return Some(Broken::draw(&mut rng).of(&whole, &self.documents));
        }
        Some(whole.into_bytes())
    }

    /// Whether some record stored exactly `value` under `key`.
    pub fn is_value(&self, key: &str, value: &str) -> bool {
        let mut words = value.splitn(3, ' ');
        let (Some(named), Some(number)) = (words.next(), words.next()) else { return false };
        let Ok(number) = u64::from_str_radix(number, 16) else { return false };
        named == key
            && self.kind(number) == Kind::Document
            && self.key(number) == key
            && self.value(number) == value
    }

    /// The key, the record's number, and text up to the drawn size.
    fn value(&self, number: u64) -> String {
        let mut rng = self.dice(number, Dice::Value);
        let mut value = format!("{} {number:x} ", self.key(number));
        let rest = VALUE.draw(&mut rng).saturating_sub(value.len());
        let text = TEXT.iter().cycle().skip(rng.usize(..TEXT.len())).take(rest);
        value.extend(text.map(|&byte| char::from(byte)));
        value
    }

    fn kind(&self, number: u64) -> Kind {
        match self.dice(number, Dice::Kind).u64(..1_000) {
            ..BROKEN_PER_MILLE => Kind::Broken,
            roll if roll < BROKEN_PER_MILLE + TOMBSTONES_PER_MILLE => Kind::Tombstone,
            _ => Kind::Document,
        }
    }

    /// The earlier record with the same key. None if the key is new. A tombstone always has one.
    fn earlier(&self, number: u64) -> Option<u64> {
        let mut rng = self.dice(number, Dice::Key);
        let again = rng.u64(..100) < AGAIN_PER_CENT || self.kind(number) == Kind::Tombstone;
        let furthest = if rng.bool() { number.saturating_sub(SOON_RECORDS) } else { 0 };
        (again && number > 0).then(|| rng.u64(furthest..number))
    }

    fn dice(&self, number: u64, dice: Dice) -> Rng {
        let mut of_record = Rng::with_seed(self.seed ^ (number * 8 + dice as u64));
        // Seeds of neighbours differ in few bits, so they are mixed once more.
        Rng::with_seed(of_record.u64(..))
    }
}

/// A size that doubles with a power of an even draw: the higher the power, the rarer large sizes.
struct Skew {
    smallest: usize,
    doublings: f64,
    power: i32,
}

impl Skew {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "sizes are small and positive"
    )]
    fn draw(&self, rng: &mut Rng) -> usize {
        let doublings = self.doublings * rng.f64().powi(self.power);
        (self.smallest as f64 * doublings.exp2()) as usize
    }
}
