//! How long a connection may live: the time to set it up, to be idle, and to be old.
//!
//! Says at each moment what a connection has to do next and when to ask again. Pure: it is told
//! the time and what the connection does, and knows no socket.

use std::time::Duration;

use tokio::time::Instant;

use super::calls::Activity;
use super::stats::CloseReason;
use crate::config;

/// How long a connection that closes waits: for its peer to see it, and for requests that are on
/// their way.
const LINGER: Duration = Duration::from_millis(500);
/// How often a connection that closes is looked at after that.
const CLOSING_INTERVAL: Duration = Duration::from_millis(250);
/// A connection that closes is given up when its peer takes less of its answers than this in so
/// long a time.
const MIN_PROGRESS_BYTES: u64 = 4 << 10;
const MAX_STALL: Duration = Duration::from_millis(750);
/// How long calls may still take when the CA of their client's certificate was taken out, and when
/// their peer does not read.
const SHORT_GRACE: Duration = Duration::from_secs(1);
/// The age at which a connection has to close differs by this share in each direction, so that
/// connections that began together do not end together.
const AGE_JITTER: f64 = 0.1;

/// The limits of one connection, and where it is in its life.
#[derive(Debug)]
pub(super) struct Lifetime {
    idle_timeout: Duration,
    age_grace: Duration,
    age_end: Instant,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    SettingUp { end: Instant },
    Open,
    Closing(Closing),
}

#[derive(Debug)]
struct Closing {
    reason: CloseReason,
    since: Instant,
    /// When even calls in work are given up.
    end: Option<Instant>,
    written_bytes: u64,
    progress_at: Instant,
}

/// What is seen of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub(super) now: Instant,
    pub(super) is_set_up: bool,
    pub(super) activity: Activity,
    pub(super) written_bytes: u64,
}

/// What a connection has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on, and ask again at this time.
    GoOn(Instant),
    /// Say that it closes, and ask again at this time.
    BeginToClose(Instant),
    /// End the calls whose requests are incomplete, and ask again at this time.
    EndIncomplete(Instant),
    /// End.
    End(CloseReason),
}

impl Lifetime {
    /// A connection that begins now. `jitter` is from -1 to 1.
    pub(super) fn new(config: &config::Rpc, now: Instant, jitter: f64) -> Self {
        let age = config.max_connection_age.mul_f64(1.0 + AGE_JITTER * jitter.clamp(-1.0, 1.0));
        Self {
            idle_timeout: config.idle_timeout,
            age_grace: config.max_connection_age_grace,
            age_end: now + age,
            phase: Phase::SettingUp { end: now + config.handshake_timeout },
        }
    }

    /// Why the connection closes, if it does.
    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        match &self.phase {
            Phase::Closing(closing) => Some(closing.reason),
            Phase::SettingUp { .. } | Phase::Open => None,
        }
    }

    /// The next step, as of what is seen.
    pub(super) fn next(&mut self, seen: Observation) -> Step {
        match &mut self.phase {
            Phase::SettingUp { .. } if seen.is_set_up => {
                self.phase = Phase::Open;
                self.next(seen)
            }
            Phase::SettingUp { end } if seen.now < *end => Step::GoOn(*end),
            Phase::SettingUp { .. } => Step::End(CloseReason::Handshake),
            Phase::Open => self.next_of_open(seen),
            Phase::Closing(closing) => closing.next(seen),
        }
    }

    fn next_of_open(&mut self, seen: Observation) -> Step {
        if seen.now >= self.age_end {
            return self.close(CloseReason::Age, seen);
        }
        let Activity::Idle { since, .. } = seen.activity else {
            return Step::GoOn(self.age_end.min(seen.now + self.idle_timeout));
        };
        let idle_end = since + self.idle_timeout;
        if seen.now >= idle_end {
            return self.close(CloseReason::Idle, seen);
        }
        Step::GoOn(self.age_end.min(idle_end))
    }

    /// The connection has to close.
    pub(super) fn close(&mut self, reason: CloseReason, seen: Observation) -> Step {
        if !seen.is_set_up {
            return Step::End(reason);
        }
        let is_new = self.close_reason().is_none();
        let end = match reason {
            CloseReason::Drain => None,
            CloseReason::Certificate | CloseReason::Unread => Some(seen.now + SHORT_GRACE),
            _ => Some(seen.now + self.age_grace),
        };
        let (since, written_bytes) = (seen.now, seen.written_bytes);
        let progress_at = seen.now;
        self.phase = Phase::Closing(Closing { reason, since, end, written_bytes, progress_at });
        let next = seen.now + LINGER;
        if is_new { Step::BeginToClose(next) } else { Step::GoOn(next) }
    }
}

impl Closing {
    fn next(&mut self, seen: Observation) -> Step {
        if seen.written_bytes >= self.written_bytes + MIN_PROGRESS_BYTES {
            (self.written_bytes, self.progress_at) = (seen.written_bytes, seen.now);
        }
        let next = seen.now + CLOSING_INTERVAL;
        let has_lingered = seen.now >= self.since + LINGER;
        if self.end.is_some_and(|end| seen.now >= end) {
            return Step::End(self.reason);
        }
        match seen.activity {
            _ if !has_lingered => Step::GoOn(self.since + LINGER),
            Activity::Idle { .. } => Step::End(self.reason),
            // While the service runs, callers may finish what they began.
            _ if self.reason != CloseReason::Drain => Step::GoOn(next),
            Activity::Incomplete | Activity::Answered if self.is_stalled(seen.now) => {
                Step::End(self.reason)
            }
            _ => Step::EndIncomplete(next),
        }
    }

    /// Whether the peer has taken too little for too long.
    fn is_stalled(&self, now: Instant) -> bool {
        now >= self.progress_at + MAX_STALL
    }
}

#[cfg(test)]
mod tests;
