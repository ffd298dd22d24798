//! What the client's statistics prove.
//!
//! A high watermark is as old as the fetch that brought it, and the statistics repeat it until
//! another fetch comes. So it counts as of the last time that its broker was heard of, only for a
//! partition that is being fetched, and only while fetches go on: a broker may answer everything
//! else, and the next fetch is sent when the one before is answered. A busy thread may take
//! statistics late. They carry a clock that says by how much.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::statistics::{Broker, Partition, Statistics};

use super::partition::SeenEnd;
use crate::config::Config;

/// A connection that is younger may have brought no fetch yet.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// How many partitions a client knows, as the budget has it.
const PLANNED_PARTITIONS: u64 = 256;
/// What the statistics of a partition take. Their JSON has about a KiB, in a buffer that doubles
/// and is copied to do so. It is parsed to a tree while the tree before may not be looked at yet.
const BYTES_A_PARTITION: u64 = 4 << 10;

/// What the statistics of all clients take, of as many partitions as the budget has.
pub fn statistics_bytes(config: &Config) -> u64 {
    config.ingest.threads.get() as u64 * PLANNED_PARTITIONS * BYTES_A_PARTITION
}

/// Whether it is a broker that the cluster named, and not only an address to connect to first.
fn is_member(broker: &Broker) -> bool {
    broker.nodeid >= 0
}

/// The end of the partition as the client saw it, when the thread has handled `records` in all.
pub(super) fn seen_end(partition: &Partition, records: u64) -> SeenEnd {
    // The queue is the whole client's, and statistics overtake the records in it.
    let queued = u64::try_from(partition.fetchq_cnt).unwrap_or(0);
    SeenEnd {
        offset: partition.eof_offset,
        high_watermark: partition.hi_offset,
        after_records: records + queued,
    }
}

/// When the high watermarks in the statistics were the ends of the partitions.
pub(super) struct Watermarks {
    clock: Instant,
    /// By how much the statistics' clock is behind ours at least, in microseconds: the difference
    /// in statistics that came without delay.
    least_behind: Option<i64>,
    /// When the newest statistics were made.
    made: Instant,
    /// Whether the partitions are paused now, and whether they were with the statistics before.
    was_paused: [bool; 2],
    /// For each broker, how many fetches were sent to it, and whether any was since the statistics
    /// before.
    fetches: BTreeMap<i32, (i64, bool)>,
}

impl Watermarks {
    pub(super) fn new(clock: Instant) -> Self {
        Self {
            clock,
            least_behind: None,
            made: clock,
            was_paused: [false; 2],
            fetches: BTreeMap::new(),
        }
    }

    /// Notes statistics that came at `now`. A paused partition is not fetched.
    pub(super) fn observe(&mut self, statistics: &Statistics, now: Instant, is_paused: bool) {
        let came = i64::try_from((now - self.clock).as_micros()).unwrap_or(i64::MAX);
        let behind = came.saturating_sub(statistics.ts);
        let least = self.least_behind.map_or(behind, |least| least.min(behind));
        self.least_behind = Some(least);
        self.made = before(now, behind.saturating_sub(least)).unwrap_or(self.clock);
        self.was_paused = [is_paused, self.was_paused[0]];
        self.count_fetches(statistics);
    }

    /// A recreated client may have sent fewer than the one before.
    fn count_fetches(&mut self, statistics: &Statistics) {
        for broker in statistics.brokers.values().filter(|broker| is_member(broker)) {
            let sent = broker.req.get("Fetch").copied().unwrap_or(0);
            let before = self.fetches.get(&broker.nodeid).map_or(0, |&(sent, _)| sent);
            self.fetches.insert(broker.nodeid, (sent, sent != before));
        }
    }

    /// When the newest statistics were made.
    pub(super) fn made(&self) -> Instant {
        self.made
    }

    /// When the high watermark of a partition was its end; none if that is not known.
    pub(super) fn learnt(&self, statistics: &Statistics, partition: &Partition) -> Option<Instant> {
        if partition.fetch_state != "active" || self.was_paused != [false; 2] {
            return None;
        }
        let broker =
            statistics.brokers.values().find(|broker| broker.nodeid == partition.broker)?;
        let is_settled = micros(broker.stateage) >= SETTLED_AFTER;
        let is_fetched = self.fetches.get(&broker.nodeid).is_some_and(|&(_, goes_on)| goes_on);
        if broker.state != "UP" || !is_settled || !is_fetched || broker.rxidle < 0 {
            return None;
        }
        before(self.made, broker.rxidle)
    }
}

fn before(time: Instant, earlier_micros: i64) -> Option<Instant> {
    time.checked_sub(micros(earlier_micros))
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(ts: i64, broker: Broker) -> Statistics {
        let brokers = [("a:1/1".to_owned(), broker)].into();
        Statistics { ts, brokers, ..Statistics::default() }
    }

    fn up() -> Broker {
        Broker {
            nodeid: 1,
            state: "UP".into(),
            stateage: 9_000_000,
            rxidle: 300_000,
            req: [("Fetch".to_owned(), 1)].into(),
            ..Broker::default()
        }
    }

    fn after(fetches: i64) -> Broker {
        Broker { req: [("Fetch".to_owned(), fetches)].into(), ..up() }
    }

    fn fetched() -> Partition {
        Partition { broker: 1, fetch_state: "active".into(), ..Partition::default() }
    }

    fn learnt(broker: Broker, partition: &Partition, is_paused: bool) -> Option<Duration> {
        let clock = Instant::now();
        let mut watermarks = Watermarks::new(clock);
        let statistics = statistics(5_000_000, broker);
        watermarks.observe(&statistics, clock + Duration::from_secs(10), is_paused);
        watermarks.learnt(&statistics, partition).map(|learnt| learnt - clock)
    }

    #[test]
    fn a_watermark_counts_as_of_the_last_that_its_broker_was_heard_of() {
        assert_eq!(learnt(up(), &fetched(), false), Some(Duration::from_millis(9_700)));
    }

    #[test]
    fn a_watermark_that_no_fetch_can_have_renewed_does_not_count() {
        let partition = fetched();
        assert_eq!(learnt(up(), &partition, true), None, "paused");
        assert_eq!(learnt(Broker { stateage: 500_000, ..up() }, &partition, false), None);
        assert_eq!(learnt(Broker { state: "DOWN".into(), ..up() }, &partition, false), None);
        assert_eq!(learnt(Broker { nodeid: 2, ..up() }, &partition, false), None);
        let stopped = Partition { fetch_state: "offset-query".into(), ..partition };
        assert_eq!(learnt(up(), &stopped, false), None);
    }

    #[test]
    fn the_first_statistics_after_a_pause_do_not_count() {
        let clock = Instant::now();
        let mut watermarks = Watermarks::new(clock);
        for (n, is_paused, counts) in [(1, true, false), (2, false, false), (3, false, true)] {
            let statistics = statistics(5_000_000, after(n));
            watermarks.observe(&statistics, clock + Duration::from_secs(10), is_paused);
            assert_eq!(watermarks.learnt(&statistics, &fetched()).is_some(), counts);
        }
    }

    #[test]
    fn a_watermark_does_not_count_while_no_fetch_is_sent_whatever_else_is_answered() {
        let clock = Instant::now();
        let mut watermarks = Watermarks::new(clock);
        // A recreated client has sent fewer.
        for (fetches, counts) in [(7, true), (7, false), (8, true), (8, false), (3, true)] {
            let statistics = statistics(5_000_000, after(fetches));
            watermarks.observe(&statistics, clock + Duration::from_secs(10), false);
            assert_eq!(watermarks.learnt(&statistics, &fetched()).is_some(), counts);
        }
    }

    #[test]
    fn statistics_that_are_told_late_count_as_of_when_they_were_made() {
        let clock = Instant::now();
        let mut watermarks = Watermarks::new(clock);
        let mut tell = |ts, told: i64| {
            let statistics = statistics(ts, after(told));
            watermarks.observe(&statistics, clock + micros(told * 1_000_000), false);
            watermarks.learnt(&statistics, &fetched()).unwrap() - clock
        };
        assert_eq!(tell(5_000_000, 10), Duration::from_millis(9_700));
        assert_eq!(tell(6_000_000, 14), Duration::from_millis(10_700));
    }

    #[test]
    fn the_budget_has_room_for_two_parsed_partitions_beside_their_text() {
        let parsed_bytes = 2 * size_of::<Partition>() as u64;
        assert!(parsed_bytes + (3 << 10) <= BYTES_A_PARTITION, "{parsed_bytes}");
    }
}
