//! Some records that stand for all: every first, then every second, every fourth and so on, evenly
//! over all that came, within a bound on their number and on their bytes.

use crate::ingest::TrialRecord;

const MAX_RECORDS: usize = 4_096;
const MAX_BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct SampledRecords {
    records: Vec<TrialRecord>,
    bytes: usize,
    came: u64,
    /// How often every second record was dropped: one of `2^halvings` is kept.
    halvings: u32,
}

impl SampledRecords {
    pub(super) fn push(&mut self, record: TrialRecord) {
        let is_due = self.came & ((1 << self.halvings) - 1) == 0;
        self.came += 1;
        if !is_due {
            return;
        }
        self.bytes += record.bytes();
        self.records.push(record);
        while self.records.len() > MAX_RECORDS || self.bytes > MAX_BYTES && self.records.len() > 1 {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.halvings += 1;
        let mut number = 0;
        self.records.retain(|_| {
            number += 1;
            number % 2 == 1
        });
        self.bytes = self.records.iter().map(TrialRecord::bytes).sum();
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &TrialRecord> {
        self.records.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(count: i64, bytes: usize) -> SampledRecords {
        let mut sampled = SampledRecords::default();
        for offset in 0..count {
            let payload = Some(vec![0; bytes]);
            sampled.push(TrialRecord { payload, offset, ..TrialRecord::default() });
            assert!(sampled.records.len() <= MAX_RECORDS);
            assert!(sampled.bytes <= MAX_BYTES || sampled.records.len() == 1);
        }
        sampled
    }

    fn assert_even(sampled: &SampledRecords, count: i64) {
        let offsets: Vec<_> = sampled.records().map(|record| record.offset).collect();
        let stride = 1 << sampled.halvings;
        let expected: Vec<_> = (0..count).step_by(stride).collect();
        assert_eq!(offsets, expected);
    }

    #[test]
    fn few_records_are_all_kept_and_of_many_one_in_so_many() {
        assert_even(&sampled(100, 1), 100);
        let many = sampled(50_000, 1);
        assert_even(&many, 50_000);
        assert!(many.records.len() > MAX_RECORDS / 2);
    }

    #[test]
    fn large_records_are_bounded_by_their_bytes() {
        let large = sampled(300, 1 << 20);
        assert!(large.bytes <= MAX_BYTES && large.records.len() > 4, "{}", large.records.len());
        assert_eq!(sampled(3, MAX_BYTES + 1).records.len(), 1);
    }
}
