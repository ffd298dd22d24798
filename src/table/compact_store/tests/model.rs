//! The store against a plain map, over any sequence of what can happen to it.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Put { key: u64, text: usize, life_millis: u64 },
    Remove { key: u64 },
    Wait { millis: u64 },
    Sweep,
    Level { per_cent: u64 },
}

/// Few keys and short lives, so that most steps meet what an earlier one did.
fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![8 => 0..200_usize, 2 => 0..3_000_usize, 1 => 3_000..5_000_usize];
    prop_oneof![
        12 => (0..60_u64, text, 1..5_000_u64)
            .prop_map(|(key, text, life_millis)| Step::Put { key, text, life_millis }),
        2 => (0..60_u64).prop_map(|key| Step::Remove { key }),
        2 => (0..1_500_u64).prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Sweep),
        1 => (10..=100_u64).prop_map(|per_cent| Step::Level { per_cent }),
    ]
}

/// What a key's entry is to be.
#[derive(Debug, Clone, Copy)]
struct Expected {
    text: usize,
    expires_at: Timestamp,
    replaced_count: u32,
}

struct Run {
    store: CompactStore,
    model: BTreeMap<u64, Expected>,
    whys: BTreeMap<u64, MissReason>,
    evicted_count: u64,
    stored_count: u64,
    offset: i64,
    now: Timestamp,
}

impl Run {
    fn new() -> Self {
        Self {
            store: store(MIN_CAPACITY_BYTES),
            model: BTreeMap::new(),
            whys: BTreeMap::new(),
            evicted_count: 0,
            stored_count: 0,
            offset: 0,
            now: Timestamp::now(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Put { key, text, life_millis } => self.put(key, text, life_millis),
            Step::Remove { key } => {
                self.offset += 1;
                let why = Ghost::Deleted { partition: 0, offset: self.offset };
                self.store.take_away(&super::key(key), why, self.now);
                self.model.remove(&key);
                self.whys.insert(key, MissReason::Gone(why));
            }
            Step::Wait { millis } => self.now = self.now.plus(Duration::from_millis(millis)),
            Step::Sweep => self.store.sweep(self.now),
            Step::Level { per_cent } => {
                let capacity_bytes = self.store.ledger().capacity_bytes;
                let level_bytes = capacity_bytes * per_cent / 100;
                self.store.shared.ledger.set_level(capacity_bytes, level_bytes);
                self.store.lower(self.now);
            }
        }
    }

    fn put(&mut self, key: u64, text: usize, life_millis: u64) {
        let name = super::key(key);
        let expires_at = self.now.plus(Duration::from_millis(life_millis));
        let record = record(&name, &"x".repeat(text), expires_at);
        let inserted = self.store.store(&record.draft(), self.now);
        let older = self.model.remove(&key).filter(|older| older.expires_at > self.now);
        let weight = self.store.weigh(&name, &record.entry.view()).total_bytes();
        if weight > self.store.shared.ledger.max_entry_bytes() {
            assert_eq!(inserted, Inserted::TooLarge);
            let why = Ghost::deleted_by(record.entry.view().origin);
            self.whys.insert(key, MissReason::Gone(why));
            return;
        }
        self.stored_count += 1;
        let mut replaced_count = 0;
        if let Some(older) = older {
            // Unless it had to leave for its successor.
            if inserted == Inserted::Replaced {
                replaced_count = older.replaced_count + 1;
            } else {
                self.evicted_count += 1;
            }
        } else {
            assert_eq!(inserted, Inserted::New);
        }
        self.model.insert(key, Expected { text, expires_at, replaced_count });
    }

    /// Every key has the entry that the model has, or it was evicted; and says why not.
    fn check(&mut self) {
        for number in 0..60 {
            let name = key(number);
            self.store.prefetch(&mut std::iter::once(name.as_str()));
            let mut found = None;
            self.store.read(&name, &mut |entry| found = Some(entry.copy()));
            let live = found.filter(|entry| !entry.view().is_expired(self.now));
            let expected = self.model.get(&number).copied();
            let expected_live = expected.filter(|expected| expected.expires_at > self.now);
            match (live, expected_live) {
                (Some(entry), Some(expected)) => {
                    let text = record(&name, &"x".repeat(expected.text), self.now);
                    let entry = entry.view();
                    assert_eq!(entry.fields, text.entry.view().fields);
                    assert_eq!(entry.expires_at, expected.expires_at);
                    assert_eq!(entry.replaced_count, expected.replaced_count);
                }
                (None, Some(_)) => {
                    let why = self.store.miss_reason(&name, self.now);
                    assert!(matches!(why, MissReason::Gone(Ghost::Evicted(_))), "{why:?}");
                    self.evicted_count += 1;
                    self.model.remove(&number);
                    self.whys.insert(number, why);
                }
                (None, None) => self.check_absence(number, &name, expected),
                (Some(entry), None) => panic!("{name} is there: {entry:?}"),
            }
        }
        self.check_books();
    }

    fn check_absence(&self, number: u64, name: &str, expected: Option<Expected>) {
        let expired =
            expected.map(|expected| MissReason::Gone(Ghost::Expired(expected.expires_at)));
        let known = self.whys.get(&number).copied();
        let why = self.store.miss_reason(name, self.now);
        assert_eq!(why, expired.or(known).unwrap_or(MissReason::NeverSeen), "{name}");
    }

    fn check_books(&self) {
        let (ledger, counts) = (self.store.ledger(), self.store.counts());
        assert!(ledger.weight_bytes <= ledger.level_bytes, "{ledger:?}");
        assert_eq!(ledger.weight_bytes, counted_bytes(&self.store));
        assert_eq!(counts.stored_count, self.stored_count);
        // What is replaced or deleted after it expired counts as that.
        assert!(counts.removals.count(Removal::Evicted) <= self.evicted_count, "{counts:?}");
        let mut walked = BTreeMap::new();
        self.store.walk(&mut |key, entry| {
            assert!(walked.insert(key.to_owned(), entry.is_expired(self.now)).is_none());
        });
        assert_eq!(walked.len() as u64, counts.entry_count(), "{counts:?}");
        let live = self.model.values().filter(|expected| expected.expires_at > self.now).count();
        assert_eq!(walked.values().filter(|is_expired| !**is_expired).count(), live);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_does_what_a_plain_map_does(steps in vec(step(), 1..150)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
    }
}
