//! Times and durations, as records say them.
//!
//! A time is a number of a configured unit since 1970, in JSON or in digits, with a fraction or
//! without; or RFC 3339 and what commonly passes for it.

use std::time::{Duration, SystemTime};

use super::json::JsonValue;
use crate::config::TimeUnit;
use crate::record::Timestamp;

/// The time that a value says; `None` if it is no time. A number is of `unit`.
pub(super) fn time(value: JsonValue<'_>, unit: TimeUnit) -> Option<Timestamp> {
    match value {
        JsonValue::Int(number) => Some(from_integer(number, unit)),
        JsonValue::Uint(number) => {
            Some(from_integer(i64::try_from(number).unwrap_or(i64::MAX), unit))
        }
        JsonValue::Number(number) => from_double(number.double(), unit),
        JsonValue::Text(text) => from_text(&text.short()?, unit),
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Container(_) => None,
    }
}

/// The time that a text says, if it is RFC 3339 or close to it.
pub(super) fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked("2026-01-31".len())?;
    let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked("12:00:00".len())?;
    let (millis, rest) = split_fraction(rest)?;
    let offset_minutes = offset_minutes(rest.strip_prefix(' ').unwrap_or(rest))?;
    let local: SystemTime = humantime::parse_rfc3339(&format!("{date}T{clock}Z")).ok()?;
    let local = Timestamp::from(local).as_millis() + millis;
    Some(Timestamp::from_millis(local - offset_minutes * 60_000))
}

/// How long a value says that an entry lives: a number of seconds, in JSON or in digits, or a
/// duration with units. `None` if it is not above zero. A life of over `max` is one of `max`.
pub(super) fn lifetime(value: JsonValue<'_>, max: Duration) -> Option<Duration> {
    let seconds = |number: f64| {
        let seconds = number.is_finite().then(|| number.min(max.as_secs_f64()))?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    let duration = match value {
        #[expect(clippy::cast_precision_loss, reason = "seconds that long are beyond any life")]
        JsonValue::Int(number) => seconds(number as f64),
        JsonValue::Uint(_) => Some(max),
        JsonValue::Number(number) => seconds(number.double()),
        JsonValue::Text(text) => {
            let text = text.short()?;
            text.parse().map_or_else(|_| parse_duration(&text), seconds)
        }
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Container(_) => None,
    };
    duration.map(|duration| duration.min(max)).filter(|duration| !duration.is_zero())
}

/// `M` is a month to the parser and a minute to many who write it, so it is no unit here.
fn parse_duration(text: &str) -> Option<Duration> {
    let is_plain = !text.contains('M');
    is_plain.then(|| humantime::parse_duration(text).ok()).flatten()
}

fn from_text(text: &str, unit: TimeUnit) -> Option<Timestamp> {
    match (text.parse(), text.parse()) {
        (Ok(integer), _) => Some(from_integer(integer, unit)),
        (_, Ok(double)) => from_double(double, unit),
        _ => from_rfc3339(text),
    }
}

fn from_integer(number: i64, unit: TimeUnit) -> Timestamp {
    Timestamp::from_millis(match unit {
        TimeUnit::Seconds => number.saturating_mul(1_000),
        TimeUnit::Millis => number,
        TimeUnit::Micros => number.div_euclid(1_000),
        TimeUnit::Nanos => number.div_euclid(1_000_000),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "it stops at the ends of time")]
fn from_double(number: f64, unit: TimeUnit) -> Option<Timestamp> {
    let millis = match unit {
        TimeUnit::Seconds => number * 1e3,
        TimeUnit::Millis => number,
        TimeUnit::Micros => number / 1e3,
        TimeUnit::Nanos => number / 1e6,
    };
    number.is_finite().then(|| Timestamp::from_millis(millis.round() as i64))
}

/// The milliseconds of a fraction of a second, if there is one, and what follows it.
fn split_fraction(text: &str) -> Option<(i64, &str)> {
    let Some(fraction) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    let (digits, rest) = fraction.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
    let millis = digits.bytes().chain("000".bytes()).take(3);
    Some((millis.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0')), rest))
}

/// How many minutes a local time is ahead of UTC: `Z`, `+02:00`, `+0200` or `+02`.
fn offset_minutes(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = match minutes.strip_prefix(':') {
        Some(minutes) => two_digits(minutes, 59)?,
        None if minutes.is_empty() => 0,
        None => two_digits(minutes, 59)?,
    };
    Some(sign * (two_digits(hours, 23)? * 60 + minutes))
}

fn two_digits(text: &str, most: i64) -> Option<i64> {
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_700_000_000_000;

    fn millis(text: &str, unit: TimeUnit) -> Option<i64> {
        time(JsonValue::plain(text), unit).map(Timestamp::as_millis)
    }

    #[test]
    fn times_are_read_in_every_form() {
        for (text, expected) in [
            ("1700000000123", NOON + 123),
            ("1700000000123.4", NOON + 123),
            ("1.7e12", NOON),
            ("-5", -5),
            ("2023-11-14T22:13:20Z", NOON),
            ("2023-11-14t22:13:20.123z", NOON + 123),
            ("2023-11-14 22:13:20.1Z", NOON + 100),
            ("2023-11-14 22:13:20.123456789012+00", NOON + 123),
            ("2023-11-14 22:13:20 +0000", NOON),
            ("2023-11-15T00:13:20+02:00", NOON),
            ("2023-11-15T00:13:20+0200", NOON),
            ("2023-11-15T00:13:20+02", NOON),
            ("2023-11-14T16:43:20-05:30", NOON),
            ("2023-11-14T16:43:20.5-0530", NOON + 500),
        ] {
            assert_eq!(millis(text, TimeUnit::Millis), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_number_is_of_the_unit_that_is_configured() {
        for (text, unit, expected) in [
            ("1700000000", TimeUnit::Seconds, NOON),
            ("1700000000.123", TimeUnit::Seconds, NOON + 123),
            ("1700000000123456", TimeUnit::Micros, NOON + 123),
            ("1700000000123456789", TimeUnit::Nanos, NOON + 123),
            ("1.700000000123e18", TimeUnit::Nanos, NOON + 123),
            ("-1", TimeUnit::Nanos, -1),
            ("9223372036854775807", TimeUnit::Seconds, i64::MAX),
            ("2023-11-14T22:13:20Z", TimeUnit::Seconds, NOON),
        ] {
            assert_eq!(millis(text, unit), Some(expected), "{text}");
        }
        assert_eq!(
            time(JsonValue::Int(1_700_000_000), TimeUnit::Seconds).unwrap().as_millis(),
            NOON
        );
        let uint = time(JsonValue::Uint(u64::MAX), TimeUnit::Millis).unwrap();
        assert_eq!(uint.as_millis(), i64::MAX);
    }

    #[test]
    fn text_that_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "inf",
            "NaN",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-13-14T22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20+2:00",
            "2023-11-14T22:13:20+02:0",
            "2023-11-14T22:13:20+020",
            "2023-11-14T22:13:20+99:00",
            "2023-11-14T22:13:20+\u{e9}:00",
            "2023-11-14T22:13:20Zx",
            "\u{e9}023-11-14T22:13:20Z",
            "1e999",
        ] {
            assert_eq!(millis(text, TimeUnit::Millis), None, "{text}");
        }
    }

    #[test]
    fn a_lifetime_is_seconds_or_a_duration_with_units() {
        let max = Duration::from_secs(1_000);
        let of = |value| lifetime(value, max);
        assert_eq!(of(JsonValue::Int(90)), Some(Duration::from_secs(90)));
        assert_eq!(of(JsonValue::Int(i64::MAX)), Some(max));
        assert_eq!(of(JsonValue::Uint(u64::MAX)), Some(max));
        for (text, expected) in [
            ("90", Some(Duration::from_secs(90))),
            ("0.5", Some(Duration::from_millis(500))),
            ("1m 30s", Some(Duration::from_secs(90))),
            ("2h", Some(max)),
            ("0", None),
            ("-1", None),
            ("0s", None),
            ("5M", None),
            ("NaN", None),
            ("soon", None),
        ] {
            assert_eq!(of(JsonValue::plain(text)), expected, "{text}");
        }
        assert_eq!(of(JsonValue::Int(0)), None);
        assert_eq!(of(JsonValue::Bool(true)), None);
    }
}
