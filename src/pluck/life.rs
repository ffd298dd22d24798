//! The time in a record from which its time to live counts.
//!
//! The time is milliseconds since 1970, as a number or in digits, or RFC 3339.

use std::time::{Duration, SystemTime};

use super::document::{CompiledSource, ParsedMessage};
use super::json::JsonValue;
use crate::record::{Reject, Timestamp};

/// Where the time is, and how long an entry lives from then on.
#[derive(Debug)]
pub(super) struct LifeStart {
    pub(super) source: CompiledSource,
    pub(super) ttl: Duration,
}

impl LifeStart {
    /// When the entry of a record expires; never later than the message allows.
    pub(super) fn expiry(&self, record: &ParsedMessage<'_, '_>) -> Result<Timestamp, Reject> {
        let start = match record.value(&self.source)? {
            None | Some(JsonValue::Null) => return Err(Reject::MissingTime),
            Some(JsonValue::Int(millis)) => Some(Timestamp::from_millis(millis)),
            Some(JsonValue::Text(text)) => from_text(text),
            Some(_) => None,
        };
        let expiry = start.ok_or(Reject::InvalidTime)?.plus(self.ttl);
        Ok(expiry.min(record.message.expires_at))
    }
}

/// The milliseconds since 1970 that a text says, whatever its form.
pub(super) fn millis_of(text: &str) -> Option<i64> {
    from_text(text).map(Timestamp::as_millis)
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
    fn text_that_is_no_time_is_none() {
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
