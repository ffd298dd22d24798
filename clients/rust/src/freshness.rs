//! What a lookup demands, so that a service reads its own writes.

use std::collections::BTreeMap;

use crate::v1::{Freshness, PartitionOffset};

impl Freshness {
    /// Demands that the table has handled these records: each a partition and an offset, as a producer
    /// is told by the broker when a record is stored.
    ///
    /// ```
    /// use millpond_client::v1::{Freshness, GetRequest};
    ///
    /// let delivered = (3, 1_042);
    /// let freshness = Some(Freshness::after([delivered]));
    /// let (table, key) = ("services".into(), "svc-00042".into());
    /// let request = GetRequest { table, key, freshness, ..Default::default() };
    /// # assert_eq!(request.freshness.unwrap().min_positions[0].offset, 1_042);
    /// ```
    ///
    /// Of several records of a partition the last one is demanded. An offset below zero means that the
    /// producer was not told one: it waits for no acknowledgement. The service refuses it.
    pub fn after(records: impl IntoIterator<Item = (i32, i64)>) -> Self {
        let mut last = BTreeMap::new();
        for (partition, offset) in records {
            let known = last.entry(partition).or_insert(offset);
            // One that is not known must not hide behind another.
            *known = if *known < 0 || offset < 0 { offset.min(*known) } else { offset.max(*known) };
        }
        let position = |(partition, offset)| PartitionOffset { partition, offset };
        let min_positions = last.into_iter().map(position).collect();
        Self { min_positions, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demanded<const N: usize>(records: [(i32, i64); N]) -> Vec<(i32, i64)> {
        let positions = Freshness::after(records).min_positions;
        positions.into_iter().map(|position| (position.partition, position.offset)).collect()
    }

    #[test]
    fn the_last_record_of_each_partition_is_demanded() {
        assert_eq!(demanded([(1, 7), (0, 3), (1, 9), (1, 8)]), [(0, 3), (1, 9)]);
        assert_eq!(demanded([]), []);
    }

    #[test]
    fn a_record_whose_offset_is_not_known_is_not_hidden_by_others() {
        assert_eq!(demanded([(0, 3), (0, -1), (0, 5)]), [(0, -1)]);
    }
}
