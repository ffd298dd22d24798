//! The time in a record that its entry's life counts from: milliseconds since 1970, as a
//! number or in digits, or RFC 3339.

use std::time::{Duration, SystemTime};

use simd_json::{Node, StaticNode};

use super::assembly::View;
use super::sources::Place;
use crate::record::{Reject, Timestamp};

/// Where the time is, and how long a life is.
#[derive(Debug)]
pub(super) struct LivesFrom {
    pub(super) place: Place,
    pub(super) ttl: Duration,
}

impl LivesFrom {
    /// When the life is over that begins at the time in a record; never later than if it
    /// began as the record came.
    pub(super) fn expiry(&self, record: &View<'_, '_, '_>) -> Result<Timestamp, Reject> {
        let time = match &self.place {
            Place::Envelope(part) => of_text(record.text(part)?.ok_or(Reject::MissingTime)?),
            Place::Document(path) => of_node(record.node(*path).ok_or(Reject::MissingTime)?),
        }?;
        Ok(time.plus(self.ttl).min(record.latest_expiry()))
    }
}

fn of_node(node: &Node<'_>) -> Result<Timestamp, Reject> {
    let millis = match node {
        Node::Static(StaticNode::Null) => return Err(Reject::MissingTime),
        Node::String(text) => return of_text(text),
        Node::Static(StaticNode::I64(millis)) => Some(*millis),
        Node::Static(StaticNode::U64(millis)) => i64::try_from(*millis).ok(),
        _ => None,
    };
    millis.map(Timestamp::from_millis).ok_or(Reject::InvalidTime)
}

fn of_text(text: &str) -> Result<Timestamp, Reject> {
    from_text(text).ok_or(Reject::InvalidTime)
}

fn from_text(text: &str) -> Option<Timestamp> {
    let millis = text.parse().ok().map(Timestamp::from_millis);
    millis.or_else(|| from_rfc3339(text))
}

/// Such as `2026-01-31T12:00:00.5Z` or with an offset from UTC, as in `+02:00`.
fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let (local, offset_minutes) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => split_offset(text)?,
    };
    let time: SystemTime = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let utc = Timestamp::from(time).as_millis() - offset_minutes * 60_000;
    Some(Timestamp::from_millis(utc))
}

/// The local time, and how many minutes it is ahead of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    Some((local, sign * (two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?)))
}

fn two_digits(text: &str, most: i64) -> Option<i64> {
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        for (text, millis) in [
            ("1700000000123", 1_700_000_000_123),
            ("-5", -5),
            ("2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("2023-11-14T22:13:20.123z", 1_700_000_000_123),
            ("2023-11-15T00:13:20+02:00", 1_700_000_000_000),
            ("2023-11-14T16:43:20-05:30", 1_700_000_000_000),
        ] {
            assert_eq!(from_text(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "1.5",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-13-14T22:13:20Z",
            "2023-11-14T22:13:20+2:00",
            "2023-11-14T22:13:20+99:00",
            "2023-11-14T22:13:20+\u{e9}:00",
            "99999999999999999999",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
