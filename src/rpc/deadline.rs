//! Until when a call may wait for something.
//!
//! tonic ends a call at its deadline as CANCELLED, and its caller does by then as well.
//! So a wait ends a little before, while there is time to say what it was for.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// The longest wait, also of a call without a deadline. Stated in the protocol.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// What is kept of the time for the answer: a tenth, at most this.
const MAX_RESERVE: Duration = Duration::from_millis(200);

/// When a call that came just now with this metadata has waited enough.
pub(super) fn of_wait(metadata: &MetadataMap) -> Instant {
    let header = metadata.get("grpc-timeout").and_then(|header| header.to_str().ok());
    Instant::now() + header.and_then(timeout).map_or(MAX_WAIT, longest_wait)
}

fn longest_wait(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 10).min(MAX_RESERVE)).min(MAX_WAIT)
}

/// As gRPC writes it: up to eight digits and a unit.
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
    fn a_timeout_is_read_in_every_unit_that_grpc_has() {
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

    #[test]
    fn a_wait_leaves_time_to_answer_and_has_an_end() {
        assert_eq!(longest_wait(Duration::from_secs(1)), Duration::from_millis(900));
        assert_eq!(longest_wait(Duration::from_secs(10)), Duration::from_millis(9_800));
        assert_eq!(longest_wait(Duration::from_secs(3600)), MAX_WAIT);
        let wait = of_wait(&MetadataMap::new()) - Instant::now();
        assert!(wait <= MAX_WAIT && wait > MAX_WAIT / 2);
    }
}
