//! A record as another one, under a key of its own that is as long: to fill a table with many entries
//! of which few are known.

use std::time::Duration;

use crate::record::{EntryView, Key, Origin, RankedBy, Record, Timestamp};

/// Offsets as a topic has them that is not new.
const FIRST_OFFSET: i64 = 10_000_000;

/// How the records of one table are varied.
pub(super) struct Variation {
    ranked_by: RankedBy,
    /// The time to live of the table that is filled.
    ttl: Duration,
    /// The time to live of the table that the records are for.
    record_ttl: Duration,
    /// How many digits the largest number has.
    digits: usize,
    now: Timestamp,
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl Variation {
    /// For numbers below `count`, from records of a table with `record_ttl` for one with at least
    /// `ttl`.
    pub(super) fn new(
        ranked_by: RankedBy,
        [record_ttl, ttl]: [Duration; 2],
        count: u64,
        now: Timestamp,
    ) -> Self {
        let mut digits = 1;
        while 36_u64.checked_pow(digits).is_some_and(|numbers| numbers < count) {
            digits += 1;
        }
        Self { ranked_by, ttl, record_ttl, digits: digits as usize, now }
    }

    /// The record that `number` makes of this one: with a key, a place in the stream and a time of its
    /// own. Its age is that of an entry somewhere in the first half of its life, or 0.
    pub(super) fn of(&self, record: &Record, number: u64, is_new: bool) -> Record {
        let view = record.entry.view();
        let half_life_millis = u64::try_from(self.ttl.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        let age_millis =
            if is_new { 0 } else { number.wrapping_mul(0x9e37_79b9) % half_life_millis };
        let time = self.now.minus(Duration::from_millis(age_millis));
        let rank = match self.ranked_by {
            RankedBy::Time => time.as_millis(),
            RankedBy::Version => view.rank,
        };
        let past = i64::from(is_new) * i64::from(u32::MAX);
        let offset = FIRST_OFFSET + past + i64::try_from(number).unwrap_or(0);
        let origin = Origin { partition: view.origin.partition, offset, time };
        let expires_at = self.expiry(&view, time);
        let key = self.key(record.key.as_str(), number);
        let entry = EntryView { origin, rank, expires_at, ..view }.copy();
        Record { key: Key::copy_of(&key).unwrap_or_else(|| record.key.clone()), entry }
    }

    /// A record whose life is not that of its table keeps the difference, as far as it lives on.
    fn expiry(&self, record: &EntryView<'_>, time: Timestamp) -> Timestamp {
        let own = record.origin.time.plus(self.record_ttl);
        let longer_millis = record.expires_at.as_millis().saturating_sub(own.as_millis());
        let expiry_millis = time.plus(self.ttl).as_millis().saturating_add(longer_millis);
        Timestamp::from_millis(expiry_millis).max(self.now.plus(self.ttl / 4))
    }

    /// The key with the number in place of its end.
    fn key(&self, key: &str, number: u64) -> String {
        let mut digits = vec![b'0'; self.digits];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[usize::try_from(rest % 36).unwrap_or(0)];
            rest /= 36;
        }
        let mut end = key.len().saturating_sub(self.digits);
        while !key.is_char_boundary(end) {
            end -= 1;
        }
        // As many bytes as before, where a character was cut.
        let filling = key.len().saturating_sub(end + self.digits);
        let digits = String::from_utf8_lossy(&digits);
        format!("{}{}{digits}", key.get(..end).unwrap_or_default(), "-".repeat(filling))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::{Draft, FieldsBuffer, KeyRef, Value};

    fn record(key: &str) -> Record {
        let mut fields = FieldsBuffer::default();
        fields.push(Some(Value::Text("text")));
        let time = Timestamp::from_millis(0);
        let origin = Origin { partition: 3, offset: 1, time };
        Draft::new(KeyRef::new(key).unwrap(), origin, time, &fields).copy()
    }

    #[test]
    fn every_number_makes_another_key_that_is_as_long() {
        let now = Timestamp::from_millis(1_000_000_000);
        let ttl = Duration::from_secs(60);
        let variation = Variation::new(RankedBy::Time, [Duration::ZERO, ttl], 40_000, now);
        let keys = ["svc-000000000000", "a", "gr\u{fc}\u{df}e-\u{263a}\u{263a}", "abcd"];
        let mut seen = HashSet::new();
        for number in 0..40_000_u64 {
            let key = keys[usize::try_from(number % 4).unwrap()];
            let varied = variation.of(&record(key), number, false);
            assert_eq!(varied.key.as_str().len(), key.len().max(3), "{:?}", varied.key);
            assert!(seen.insert(varied.key.as_str().to_owned()), "{:?} twice", varied.key);
            let view = varied.entry.view();
            assert!(view.origin.time > Timestamp::from_millis(1_000_000_000 - 30_000));
            assert_eq!(view.origin.time.plus(Duration::from_secs(60)), view.expires_at);
        }
    }
}
