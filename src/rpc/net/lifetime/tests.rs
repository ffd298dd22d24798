use super::*;
use crate::config::Config;

const SECOND: Duration = Duration::from_secs(1);

fn config() -> config::Rpc {
    let settings = [
        "kafka.brokers=localhost:9092",
        "tables.0.name=services",
        "tables.0.topic=events",
        "tables.0.key=/id",
        "tables.0.fields.description=/description",
        "tables.0.ttl=1h",
        "rpc.handshake_timeout=10s",
        "rpc.idle_timeout=60s",
        "rpc.max_connection_age=1000s",
        "rpc.max_connection_age_grace=100s",
    ]
    .map(ToOwned::to_owned);
    Config::load(None, [], &settings).unwrap().rpc
}

/// A connection that a test looks at whenever it says when to.
struct Watched {
    begin: Instant,
    lifetime: Lifetime,
    seen: Observation,
}

impl Watched {
    fn new(jitter: f64) -> Self {
        let begin = Instant::now();
        let activity = Activity::Idle { since: begin, has_called: false };
        let seen = Observation { now: begin, is_set_up: false, activity, written_bytes: 0 };
        Self { begin, lifetime: Lifetime::new(&config(), begin, jitter), seen }
    }

    fn set_up() -> Self {
        let mut watched = Self::new(0.0);
        watched.seen.is_set_up = true;
        watched
    }

    /// The step after this many seconds, and the seconds at which it wants to be asked again.
    fn at(&mut self, seconds: f64) -> (Kind, f64) {
        self.seen.now = self.begin + SECOND.mul_f64(seconds);
        let step = self.lifetime.next(self.seen);
        self.known(step)
    }

    fn closed_at(&mut self, seconds: f64, reason: CloseReason) -> (Kind, f64) {
        self.seen.now = self.begin + SECOND.mul_f64(seconds);
        let step = self.lifetime.close(reason, self.seen);
        self.known(step)
    }

    fn known(&self, step: Step) -> (Kind, f64) {
        let (kind, next) = match step {
            Step::GoOn(next) => (GoOn, next),
            Step::BeginToClose(next) => (BeginToClose, next),
            Step::EndIncomplete(next) => (EndIncomplete, next),
            Step::End(reason) => return (End(reason), 0.0),
        };
        (kind, (next - self.begin).as_secs_f64())
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    GoOn,
    BeginToClose,
    EndIncomplete,
    End(CloseReason),
}

use Kind::{BeginToClose, End, EndIncomplete, GoOn};

#[test]
fn a_connection_has_to_be_set_up_in_time() {
    let mut watched = Watched::new(0.0);
    assert_eq!(watched.at(0.0), (GoOn, 10.0));
    assert_eq!(watched.at(10.0).0, End(CloseReason::Handshake));
    watched.seen.is_set_up = true;
    assert_eq!(watched.at(10.0), (GoOn, 60.0));
}

#[test]
fn a_connection_that_is_idle_for_too_long_closes() {
    let mut watched = Watched::set_up();
    assert_eq!(watched.at(0.0), (GoOn, 60.0));
    let since = watched.begin + 40 * SECOND;
    watched.seen.activity = Activity::Idle { since, has_called: true };
    assert_eq!(watched.at(60.0), (GoOn, 100.0));
    assert_eq!(watched.at(100.0), (BeginToClose, 100.5));
    assert_eq!(watched.at(100.5).0, End(CloseReason::Idle));
}

#[test]
fn a_call_that_arrives_while_its_connection_closes_is_finished() {
    let mut watched = Watched::set_up();
    assert_eq!(watched.at(60.0).0, BeginToClose);
    for activity in [Activity::Incomplete, Activity::InWork, Activity::Answered] {
        watched.seen.activity = activity;
        assert_eq!(watched.at(70.0), (GoOn, 70.25));
    }
    watched.seen.activity = Activity::Idle { since: watched.begin + 80 * SECOND, has_called: true };
    assert_eq!(watched.at(80.0).0, End(CloseReason::Idle));
}

#[test]
fn an_old_connection_gets_a_grace_period_for_its_calls() {
    let mut watched = Watched::set_up();
    watched.seen.activity = Activity::InWork;
    assert_eq!(watched.at(50.0), (GoOn, 110.0));
    assert_eq!(watched.at(960.0), (GoOn, 1000.0));
    assert_eq!(watched.at(1000.0), (BeginToClose, 1000.5));
    assert_eq!(watched.at(1099.5), (GoOn, 1099.75));
    assert_eq!(watched.at(1100.0).0, End(CloseReason::Age));
}

#[test]
fn connections_that_began_together_do_not_end_together() {
    for (jitter, age) in [(-1.0, 900.0), (0.0, 1000.0), (1.0, 1100.0), (7.0, 1100.0)] {
        let mut watched = Watched::new(jitter);
        (watched.seen.is_set_up, watched.seen.activity) = (true, Activity::InWork);
        assert_eq!(watched.at(age - 1.0).0, GoOn);
        assert_eq!(watched.at(age).0, BeginToClose);
    }
}

#[test]
fn when_the_service_stops_a_connection_that_is_not_set_up_ends_at_once() {
    let mut watched = Watched::new(0.0);
    assert_eq!(watched.closed_at(1.0, CloseReason::Drain).0, End(CloseReason::Drain));
}

#[test]
fn when_the_service_stops_an_idle_connection_lingers_for_a_moment() {
    let mut watched = Watched::set_up();
    assert_eq!(watched.closed_at(1.0, CloseReason::Drain), (BeginToClose, 1.5));
    assert_eq!(watched.at(1.2), (GoOn, 1.5));
    assert_eq!(watched.at(1.5).0, End(CloseReason::Drain));
}

#[test]
fn when_the_service_stops_calls_in_work_are_finished_and_incomplete_ones_ended() {
    let mut watched = Watched::set_up();
    watched.seen.activity = Activity::InWork;
    assert_eq!(watched.closed_at(1.0, CloseReason::Drain).0, BeginToClose);
    assert_eq!(watched.at(1.5), (EndIncomplete, 1.75));
    assert_eq!(watched.at(20.0), (EndIncomplete, 20.25));
    watched.seen.activity = Activity::Incomplete;
    assert_eq!(watched.at(21.0).0, End(CloseReason::Drain), "its answers were not taken");
}

#[test]
fn when_the_service_stops_a_peer_gets_its_answers_for_as_long_as_it_reads() {
    let mut watched = Watched::set_up();
    watched.seen.activity = Activity::Answered;
    assert_eq!(watched.closed_at(1.0, CloseReason::Drain).0, BeginToClose);
    for second in 2..10 {
        watched.seen.written_bytes += MIN_PROGRESS_BYTES;
        assert_eq!(watched.at(f64::from(second)).0, EndIncomplete);
    }
    assert_eq!(watched.at(9.7).0, EndIncomplete);
    assert_eq!(watched.at(9.8).0, End(CloseReason::Drain));
}

#[test]
fn a_connection_that_closes_for_another_reason_ends_with_the_service() {
    let mut watched = Watched::set_up();
    watched.seen.activity = Activity::Answered;
    assert_eq!(watched.at(1000.0).0, BeginToClose);
    assert_eq!(watched.closed_at(1001.0, CloseReason::Drain), (GoOn, 1001.5));
    assert_eq!(watched.at(1002.0).0, End(CloseReason::Drain));
}

#[test]
fn a_client_whose_certificate_is_accepted_no_more_gets_a_moment_and_not_the_grace_period() {
    let mut watched = Watched::set_up();
    watched.seen.activity = Activity::InWork;
    assert_eq!(watched.closed_at(1.0, CloseReason::Certificate), (BeginToClose, 1.5));
    assert_eq!(watched.at(1.5), (GoOn, 1.75));
    assert_eq!(watched.at(2.0).0, End(CloseReason::Certificate));
}
