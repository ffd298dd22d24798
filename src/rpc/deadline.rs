//! How long a call may wait, and how long its response may be sent.
//!
//! A caller that has given up hears nothing any more. So a wait ends a little before the deadline,
//! while there is time for an error that says what the call waited for.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tonic::codegen::http::HeaderMap;

/// The longest time to send a response, even if the call has no deadline. Stated in the protocol.
pub(super) const MAX_SEND_TIME: Duration = Duration::from_secs(60);
/// The time kept for the error: a tenth of the timeout, at most this.
const MAX_RESERVE: Duration = Duration::from_millis(200);

/// The deadline of a call, if its caller set one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deadline {
    end: Option<Instant>,
    reserve: Duration,
}

impl Deadline {
    /// The deadline of a call that arrived just now with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = headers.get("grpc-timeout").and_then(|header| header.to_str().ok());
        header.and_then(timeout).map_or(Self::default(), |timeout| {
            let reserve = (timeout / 10).min(MAX_RESERVE);
            Self { end: Instant::now().checked_add(timeout), reserve }
        })
    }

    /// Waits until the deadline is over: for ever if there is none.
    pub(super) async fn over(self) {
        match self.end {
            Some(end) => sleep_until(end.checked_sub(self.reserve).unwrap_or(end)).await,
            None => pending().await,
        }
    }

    /// The end of a wait that begins now and takes at most `longest`.
    pub(super) fn wait_end(self, longest: Duration) -> Instant {
        let end = self.end.and_then(|end| end.checked_sub(self.reserve));
        earlier(end, longest)
    }

    /// The end of sending that begins now and takes at most `longest`. Nothing is said after it,
    /// so it may last until the deadline.
    pub(super) fn send_end(self, longest: Duration) -> Instant {
        earlier(self.end, longest)
    }
}

fn earlier(end: Option<Instant>, longest: Duration) -> Instant {
    let longest = Instant::now() + longest;
    end.map_or(longest, |end| end.min(longest))
}

/// Parses gRPC's format: up to eight digits and a unit.
fn timeout(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_parsed_in_every_unit_that_grpc_has() {
        let read: Vec<_> = ["2H", "3M", "4S", "5m", "6u", "7n"].map(timeout).into();
        let millis = Duration::from_millis;
        let small = [millis(5), Duration::from_micros(6), Duration::from_nanos(7)];
        let large = [7_200_000, 180_000, 4_000].map(millis);
        let expected: Vec<_> = large.into_iter().chain(small).map(Some).collect();
        assert_eq!(read, expected);
        for broken in ["", "S", "5", "5s", "-5S", "+5S", "123456789S", "5 S", "5\u{20ac}"] {
            assert_eq!(timeout(broken), None, "{broken:?}");
        }
    }

    /// The deadline of a call with this timeout, and a time just before the call arrived.
    fn deadline(timeout: &'static str) -> (Deadline, Instant) {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", timeout.parse().unwrap());
        let start = Instant::now();
        (Deadline::of(&headers), start)
    }

    #[test]
    fn a_wait_leaves_time_for_an_error() {
        let (millis, hour) = (Duration::from_millis, Duration::from_secs(3600));
        for (timeout, reserve) in [("1S", millis(100)), ("10S", millis(200))] {
            let (deadline, start) = deadline(timeout);
            let end = deadline.send_end(hour);
            assert_eq!(end - deadline.wait_end(hour), reserve, "of {timeout}");
            assert!(end >= start + millis(1_000));
        }
    }

    #[test]
    fn a_wait_has_an_end() {
        let minute = Duration::from_secs(60);
        for timeout in ["2H", "99999999H"] {
            let (deadline, start) = deadline(timeout);
            let ends = [deadline.wait_end(minute), deadline.send_end(minute)];
            assert!(ends.iter().all(|&end| end - start < 2 * minute), "of {timeout}");
        }
        let without = Deadline::of(&HeaderMap::new());
        assert!(without.wait_end(minute) - Instant::now() <= minute);
    }
}
