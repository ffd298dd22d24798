//! All that is known of the service: the last snapshot, the rates, and the history of both.
//!
//! How it is drawn is not known here.

use tokio::time::Instant;

use super::feed::Update;
use super::figures::{Rates, TableRates, count, seconds};
use super::history::History;
use crate::proto::v1::{GetStatsResponse, Memory, TableStats};

/// What is known of the service.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) endpoint: String,
    /// Empty before the first.
    pub(super) stats: GetStatsResponse,
    /// None before the second snapshot.
    pub(super) rates: Option<Rates>,
    pub(super) graphs: Graphs,
    /// The memory at the first snapshot, for what has grown.
    first_memory: Option<Memory>,
    received: Option<Instant>,
    /// Why the service is lost, if it is.
    pub(super) lost: Option<String>,
}

/// The history of what is drawn as graphs.
#[derive(Debug, Default)]
pub(super) struct Graphs {
    pub(super) lookups: History,
    /// In percent.
    pub(super) hits: History,
    pub(super) records: History,
    pub(super) evictions: History,
    pub(super) lag: History,
    pub(super) calls: History,
    pub(super) memory_bytes: History,
}

impl Model {
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            stats: GetStatsResponse::default(),
            rates: None,
            graphs: Graphs::default(),
            first_memory: None,
            received: None,
            lost: None,
        }
    }

    pub(super) fn observe(&mut self, update: Update) {
        match update {
            Update::Snapshot(stats) => self.observe_snapshot(*stats),
            Update::Lost(reason) => self.lost = Some(reason),
        }
    }

    fn observe_snapshot(&mut self, stats: GetStatsResponse) {
        let is_first = self.received.is_none();
        if is_first || self.stats.start_time != stats.start_time {
            self.first_memory.clone_from(&stats.memory);
        }
        if !is_first {
            self.rates = Rates::between(&self.stats, &stats);
        }
        (self.stats, self.received, self.lost) = (stats, Some(Instant::now()), None);
        self.observe_graphs();
    }

    fn observe_graphs(&mut self) {
        let all = self.rates.as_ref().map(Rates::all_tables);
        let graphs = &mut self.graphs;
        graphs.lookups.push(all.map(TableRates::lookups));
        graphs.hits.push(all.and_then(TableRates::hit_ratio).map(|ratio| ratio * 100.0));
        graphs.records.push(all.map(|all| all.records));
        graphs.evictions.push(all.map(|all| all.evicted));
        graphs.lag.push(Some(count(lag(&self.stats))));
        let rpc = self.stats.rpc.as_ref();
        graphs.calls.push(rpc.map(|rpc| count(rpc.open_call_count)));
        let memory = self.stats.memory.as_ref();
        graphs.memory_bytes.push(memory.map(|memory| count(memory.current_bytes)));
    }

    /// How long ago the last snapshot came, in seconds.
    pub(super) fn age_seconds(&self) -> f64 {
        self.received.map_or(0.0, |received| received.elapsed().as_secs_f64())
    }

    /// How much each type of memory has grown since the first snapshot of this run, in the order of
    /// the types.
    pub(super) fn growth_bytes(&self, place: usize) -> Option<i64> {
        let now = self.stats.memory.as_ref()?.types.get(place)?;
        let first = self.first_memory.as_ref()?.types.iter();
        let mut same = first.filter(|first| first.r#type == now.r#type && first.table == now.table);
        Some(now.bytes - same.next()?.bytes)
    }

    /// Seconds since the stalest table was known to be complete. None if one never was.
    pub(super) fn staleness(&self) -> Option<f64> {
        let of_table = |table: &TableStats| {
            table.as_of.as_ref().and_then(|as_of| as_of.staleness.as_ref()).map(seconds)
        };
        let staleness: Option<Vec<_>> = self.stats.tables.iter().map(of_table).collect();
        staleness?.into_iter().reduce(f64::max)
    }
}

/// Records behind, over all partitions.
pub(super) fn lag(stats: &GetStatsResponse) -> i64 {
    stats.partitions.iter().map(|partition| partition.lag_records).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{AsOf, MemoryTypeBytes};

    fn snapshot(start: i64, uptime: i64, bytes: i64) -> Update {
        let types = vec![MemoryTypeBytes { bytes, ..MemoryTypeBytes::default() }];
        let memory = Memory { types, current_bytes: bytes, ..Memory::default() };
        Update::Snapshot(Box::new(GetStatsResponse {
            start_time: Some(prost_types::Timestamp { seconds: start, nanos: 0 }),
            uptime: Some(prost_types::Duration { seconds: uptime, nanos: 0 }),
            memory: Some(memory),
            ..GetStatsResponse::default()
        }))
    }

    #[test]
    fn growth_is_counted_from_the_first_snapshot_of_a_run() {
        let mut model = Model::new(String::new());
        model.observe(snapshot(1, 5, 100));
        assert!(model.rates.is_none());
        model.observe(snapshot(1, 6, 130));
        assert!(model.rates.is_some());
        assert_eq!(model.growth_bytes(0), Some(30));
        model.observe(snapshot(2, 1, 40));
        assert!(model.rates.is_none(), "it was started again");
        assert_eq!((model.growth_bytes(0), model.growth_bytes(1)), (Some(0), None));
    }

    #[test]
    fn a_service_that_is_lost_keeps_its_last_figures_until_it_is_found() {
        let mut model = Model::new(String::new());
        model.observe(snapshot(1, 5, 100));
        model.observe(Update::Lost("gone".into()));
        assert_eq!(model.lost.as_deref(), Some("gone"));
        assert_eq!(model.stats.memory.as_ref().unwrap().current_bytes, 100);
        model.observe(snapshot(1, 9, 100));
        assert!(model.lost.is_none());
    }

    #[test]
    fn the_stalest_table_counts_and_one_that_was_never_complete_makes_it_unknown() {
        let table = |staleness: Option<i64>| TableStats {
            as_of: Some(AsOf {
                staleness: staleness
                    .map(|seconds| prost_types::Duration { seconds, nanos: 500_000_000 }),
                ..AsOf::default()
            }),
            ..TableStats::default()
        };
        let mut model = Model::new(String::new());
        model.stats.tables = vec![table(Some(1)), table(Some(7))];
        assert_eq!(model.staleness(), Some(7.5));
        model.stats.tables.push(table(None));
        assert_eq!(model.staleness(), None);
    }
}
