//! The store compared with a plain map, over any sequence of operations.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::Recency;
use crate::table::miss_reason::GhostCause;

#[derive(Debug, Clone)]
enum Step {
    Put { key: u64, from: From, text: usize, life_millis: u64 },
    Remove { key: u64, from: From },
    Wait { millis: u64 },
    Sweep,
    Limit { per_cent: u64 },
}

/// Where a record comes from: its rank and its partition.
type From = (i64, i32);

/// Few keys and short lives, so that most steps meet what an earlier one did.
fn step() -> impl Strategy<Value = Step> {
    let from = || (0..8_i64, 0..3_i32);
    let text = prop_oneof![8 => 0..200_usize, 2 => 0..3_000_usize, 1 => 3_000..5_000_usize];
    prop_oneof![
        12 => (0..60_u64, from(), text, 1..5_000_u64)
            .prop_map(|(key, from, text, life_millis)| Step::Put { key, from, text, life_millis }),
        2 => (0..60_u64, from()).prop_map(|(key, from)| Step::Remove { key, from }),
        2 => (0..1_500_u64).prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Sweep),
        1 => (10..=100_u64).prop_map(|per_cent| Step::Limit { per_cent }),
    ]
}

/// The entry that a key should have.
#[derive(Debug, Clone, Copy)]
struct Expected {
    text: usize,
    expires_at: Timestamp,
    replaced_count: u32,
}

struct Run {
    store: CompactStore,
    model: BTreeMap<u64, Expected>,
    /// The newest record of each key, live or not.
    newest: BTreeMap<u64, Recency>,
    miss_reasons: BTreeMap<u64, MissReason>,
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
            newest: BTreeMap::new(),
            miss_reasons: BTreeMap::new(),
            evicted_count: 0,
            stored_count: 0,
            offset: 0,
            now: Timestamp::now(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Put { key, from, text, life_millis } => self.put(key, from, text, life_millis),
            Step::Remove { key, from } => {
                let recency = self.next_recency(from);
                self.remove(key, recency);
            }
            Step::Wait { millis } => self.now = self.now.plus(Duration::from_millis(millis)),
            Step::Sweep => self.store.sweep(self.now),
            Step::Limit { per_cent } => {
                let quota = self.store.quota();
                let capacity_bytes = quota.capacity_bytes() - quota.fixed_bytes();
                let limit_bytes = capacity_bytes * per_cent / 100;
                set_limits(&self.store, capacity_bytes, limit_bytes, self.now);
            }
        }
    }

    fn next_recency(&mut self, (rank, partition): From) -> Recency {
        self.offset += 1;
        Recency { rank, partition, offset: self.offset }
    }

    /// Notes a record. Whether it is newer than what came before.
    fn note(&mut self, key: u64, recency: Recency) -> bool {
        let newer = recency.replacing(self.newest.get(&key).copied(), RankedBy::Time);
        if let Some(newer) = newer {
            self.newest.insert(key, newer);
        }
        newer.is_some()
    }

    fn remove(&mut self, key: u64, recency: Recency) {
        let removed = self.store.remove(&super::key(key), Ghost::deleted_by(recency), self.now);
        if !self.note(key, recency) {
            assert_eq!(removed, Removed::Superseded);
            return;
        }
        let live = self.model.remove(&key).filter(|entry| entry.expires_at > self.now);
        match removed {
            Removed::Entry => assert!(live.is_some()),
            // A live entry may have been evicted before.
            Removed::Nothing => {}
            Removed::Superseded => panic!("{recency:?} is newer"),
        }
        let ghost = Ghost::deleted_by(self.newest[&key]);
        self.miss_reasons.insert(key, MissReason::Ghost(ghost));
    }

    fn put(&mut self, key: u64, from: From, text: usize, life_millis: u64) {
        let (name, recency) = (super::key(key), self.next_recency(from));
        let expires_at = self.now.plus(Duration::from_millis(life_millis));
        let record = record_at(recency, &name, &"x".repeat(text), expires_at);
        let inserted = self.store.insert(&record.draft(), self.now);
        let weight = self.store.weigh(&name, &record.entry.view()).total_bytes();
        if weight > self.store.quota().max_entry_bytes() {
            assert_eq!(inserted, Inserted::TooLarge);
            // As the table does.
            self.remove(key, recency);
            return;
        }
        if !self.note(key, recency) {
            assert_eq!(inserted, Inserted::Superseded);
            return;
        }
        let older = self.model.remove(&key).filter(|older| older.expires_at > self.now);
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

    /// Every key has the entry that the model has, or was evicted, and has its miss reason.
    fn check(&mut self) {
        for number in 0..60 {
            let name = key(number);
            self.store.prefetch(&mut std::iter::once(name.as_str()));
            self.store.prefetch_for_changes(&mut std::iter::once(name.as_str()));
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
                    assert_eq!(entry.recency(), self.newest[&number]);
                }
                (None, Some(_)) => {
                    let reason = self.store.miss_reason(&name, self.now);
                    let MissReason::Ghost(ghost) = reason else { panic!("{name}: {reason:?}") };
                    let is_evicted = matches!(
                        ghost.cause,
                        GhostCause::Evicted(_) | GhostCause::EvictedForPressure(_)
                    );
                    assert!(is_evicted, "{reason:?}");
                    assert_eq!(ghost.recency, self.newest[&number]);
                    self.evicted_count += 1;
                    self.model.remove(&number);
                    self.miss_reasons.insert(number, reason);
                }
                (None, None) => self.check_miss_reason(number, &name, expected),
                (Some(entry), None) => panic!("{name} is there: {entry:?}"),
            }
        }
        self.check_counts();
    }

    fn check_miss_reason(&self, number: u64, name: &str, expected: Option<Expected>) {
        let expired = expected.map(|expected| {
            MissReason::Ghost(Ghost::expired(self.newest[&number], expected.expires_at))
        });
        let known = self.miss_reasons.get(&number).copied();
        let reason = self.store.miss_reason(name, self.now);
        assert_eq!(reason, expired.or(known).unwrap_or(MissReason::NeverSeen), "{name}");
    }

    fn check_counts(&self) {
        let (quota, counts) = (self.store.quota(), self.store.counts());
        assert!(quota.weight_bytes() <= quota.limit_bytes(), "{quota:?}");
        assert_eq!(weight_bytes(&self.store), counted_bytes(&self.store));
        assert_eq!(counts.stored_count, self.stored_count);
        // What is replaced or deleted after it expired counts as that.
        assert!(evicted_count(&self.store) <= self.evicted_count, "{counts:?}");
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
    fn the_store_does_what_a_plain_map_does(steps in vec(step(), 1..150)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
    }
}
