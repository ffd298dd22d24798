//! A system clock that is set while the service runs: forward, back, and far back.
//!
//! Each test runs `millpond serve` with a system clock of its own.

use std::time::{Duration, Instant};

use millpond::proto::v1::{
    GetStatsResponse, MissReason, RecordOutcome, lookup_result::Outcome, value::Kind,
};
use millpond_acceptance::served::Served;
use millpond_acceptance::system_clock::SystemClock;
use tempfile::TempDir;

use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, Topic};
use crate::support::caller::Caller;
use crate::support::service::{PATIENCE, assert_counters_add_up, outcome, table, with_basics};

const HOUR: i64 = 3_600;
const LOOK: Duration = Duration::from_millis(10);
/// The tables of the process: one over each store, fed by the same topic.
const TABLES: [&str; 2] = ["services", "others"];

/// A running process with a system clock of its own.
struct Process {
    served: Served,
    caller: Caller,
    clock: SystemClock,
    _folder: TempDir,
}

impl Process {
    async fn start(broker: &Broker, topic: &Topic, clock: SystemClock) -> Self {
        let mut settings = table(0, TABLES[0], &topic.name);
        settings.extend(table(1, TABLES[1], &topic.name));
        settings.extend(["tables.1.store=compact".into(), "ingest.start=earliest".into()]);
        let folder = tempfile::tempdir().unwrap();
        let program = clock.command_line(env!("CARGO_BIN_EXE_millpond"));
        let settings = with_basics(&broker.bootstrap(), &settings);
        let served = Served::start(program, &settings, folder.path().join("log")).expect("it runs");
        let caller = Caller::of(served.rpc().parse().unwrap());
        caller.wait_until_ready().await;
        Self { served, caller, clock, _folder: folder }
    }

    /// Sets the clock, and waits until the process has noticed.
    async fn set_ahead(&self, seconds: i64, steps: i64) -> GetStatsResponse {
        self.clock.set_ahead(seconds).unwrap();
        self.caller.wait_for("the step", |stats| stats.clock.unwrap().step_count == steps).await
    }

    async fn outcome(&self, table: &str, key: &str) -> Outcome {
        self.caller.try_get(table, key).await.unwrap().result.unwrap().outcome.unwrap()
    }

    async fn assert_live(&self, keys: &[&str]) {
        for table in TABLES {
            for key in keys {
                match self.outcome(table, key).await {
                    Outcome::Entry(entry) => {
                        let text = Some(Kind::StringValue("text".into()));
                        assert_eq!(entry.fields["description"].kind, text);
                    }
                    Outcome::Miss(miss) => panic!("{key} is not in {table}: {miss:?}"),
                }
            }
        }
    }

    async fn is_expired(&self, key: &str) -> bool {
        let mut is_expired = true;
        for table in TABLES {
            let outcome = self.outcome(table, key).await;
            is_expired &= matches!(outcome, Outcome::Miss(m) if m.reason() == MissReason::Expired);
        }
        is_expired
    }

    async fn wait_until_expired(&self, key: &str) {
        let start = Instant::now();
        while !self.is_expired(key).await {
            assert!(start.elapsed() < PATIENCE, "{key} does not expire");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn staleness_seconds(&self) -> i64 {
        let answer = self.caller.try_get(TABLES[0], "a").await.unwrap();
        answer.as_of.unwrap().staleness.unwrap().seconds
    }

    fn steps_in_log(&self) -> Vec<i64> {
        let log = self.served.log_lines().unwrap();
        log.iter().filter_map(|line| line["by_seconds"].as_i64()).collect()
    }
}

/// Runs `behaviour` with a process on an empty topic of one partition.
fn with_process(test: &str, behaviour: impl AsyncFnOnce(&Topic, Process)) {
    with_process_at(test, 0, behaviour);
}

/// The same with a system clock that is so many seconds ahead at the start.
fn with_process_at(test: &str, ahead: i64, behaviour: impl AsyncFnOnce(&Topic, Process)) {
    let Some(clock) = SystemClock::required_by(test) else { return };
    clock.set_ahead(ahead).unwrap();
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let process = Process::start(broker, &topic, clock).await;
        behaviour(&topic, process).await;
    });
}

fn at(timestamp_ms: i64, key: &str) -> Message {
    Message { timestamp_ms: Some(timestamp_ms), ..event(key, "text") }
}

fn entry_counts(stats: &GetStatsResponse) -> Vec<i64> {
    stats.tables.iter().map(|table| table.entry_count).collect()
}

#[test]
fn a_clock_that_is_set_destroys_no_live_entry_and_revives_no_dead_one() {
    let test = "a_clock_that_is_set_destroys_no_live_entry_and_revives_no_dead_one";
    with_process(test, async |topic, mut process| {
        let (made, hour_ms) = (now_ms(), HOUR * 1_000);
        topic.produce(&[at(made, "before"), at(made - hour_ms + 3_000, "dying")]);
        process.caller.wait_until_polled(4).await;
        process.wait_until_expired("dying").await;

        let stats = process.set_ahead(HOUR, 1).await;
        let clock = stats.clock.unwrap();
        assert!((HOUR - 1..=HOUR + 1).contains(&clock.last_step.unwrap().seconds), "{clock:?}");
        assert!(clock.behind.unwrap().seconds > HOUR - 60, "{clock:?}");
        topic.produce(&[at(now_ms(), "forward"), at(now_ms() + hour_ms, "ahead")]);
        process.caller.wait_until_polled(8).await;
        process.assert_live(&["before", "forward", "ahead"]).await;
        assert!(process.is_expired("dying").await);

        let stats = process.set_ahead(-HOUR, 2).await;
        let clock = stats.clock.unwrap();
        assert!((-2 * HOUR - 1..=1 - 2 * HOUR).contains(&clock.last_step.unwrap().seconds));
        assert!(clock.behind.unwrap().seconds < 60 - HOUR, "{clock:?}");
        topic.produce(&[at(now_ms(), "back"), at(now_ms() - 3 * hour_ms, "dead")]);
        process.caller.wait_until_polled(12).await;
        process.assert_live(&["before", "forward", "ahead", "back"]).await;
        assert!(process.is_expired("dying").await && process.is_expired("dead").await);

        let swept = |stats: &GetStatsResponse| entry_counts(stats) == [4, 4];
        let stats = process.caller.wait_for("the sweep", swept).await;
        assert_counters_add_up(&stats);
        assert!(outcome(&stats, RecordOutcome::ExpiredOnArrival) >= 2);
        assert_eq!(process.steps_in_log().len(), 2, "each step is logged once");
        assert!(process.served.stop().unwrap().is_some_and(|status| status.success()));
    });
}

#[test]
fn a_process_that_starts_with_a_wrong_clock_is_right_once_that_is_corrected() {
    let test = "a_process_that_starts_with_a_wrong_clock_is_right_once_that_is_corrected";
    for wrong in [2 * HOUR, -2 * HOUR] {
        with_process_at(test, wrong, async |topic, process| {
            process.set_ahead(0, 1).await;
            topic.produce(&[event("new", "text"), at(now_ms() - HOUR * 500, "half")]);
            process.caller.wait_until_polled(4).await;
            process.assert_live(&["new", "half"]).await;
        });
    }
}

#[test]
fn an_idle_stream_is_read_on_after_the_clock_was_set_back() {
    let test = "an_idle_stream_is_read_on_after_the_clock_was_set_back";
    with_process(test, async |topic, process| {
        topic.produce(&[event("a", "text")]);
        process.caller.wait_until_polled(2).await;
        let stats = process.set_ahead(-HOUR, 1).await;
        let later = stats.uptime.unwrap().seconds + 10;
        process.caller.wait_for("time", |stats| stats.uptime.unwrap().seconds >= later).await;
        let start = Instant::now();
        while process.staleness_seconds().await >= 8 {
            assert!(start.elapsed() < PATIENCE, "nothing was read since the step");
            tokio::time::sleep(LOOK).await;
        }
    });
}
