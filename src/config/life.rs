//! How long an entry lives, and how the times are read that a record says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::form::{Form, Optional, Parsed, Time, Word, serialize_duration};
use super::section::{Section, Unset};
use super::source::{SOURCE, Source};
use super::tree::Kind;
use super::ttl_from::TtlFrom;

/// How long the entries of a table live.
#[derive(Clone, Debug, Serialize)]
pub struct Life {
    /// How long an entry lives. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub ttl: Duration,
    /// The start of the time to live.
    pub ttl_from: TtlFrom,
    /// The part of the record that is its own time to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_field: Option<Source>,
    /// The part of the record that is the time when its entry expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_field: Option<Source>,
    /// The unit of times in records that are numbers.
    pub time_unit: TimeUnit,
    /// The earliest time in a record that is believed.
    #[serde(serialize_with = "serialize_moment")]
    pub earliest_time: SystemTime,
    /// How far ahead the start of a life may be and is believed.
    #[serde(serialize_with = "serialize_duration")]
    pub max_time_ahead: Duration,
}

/// The unit of a time that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TimeUnit {
    /// Seconds since 1970.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds since 1970.
    #[serde(rename = "ms")]
    Millis,
    /// Microseconds since 1970.
    #[serde(rename = "us")]
    Micros,
    /// Nanoseconds since 1970.
    #[serde(rename = "ns")]
    Nanos,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// From 1970 to 2000.
const THIRTY_YEARS: Duration = Duration::from_secs(946_684_800);

impl Life {
    /// The longest life of any entry: ten years.
    pub const MAX: Duration = Duration::from_secs(3_650 * 24 * 3_600);

    /// A life that counts from the timestamp of a record, and is the same for all.
    pub fn from_record(ttl: Duration) -> Self {
        Self {
            ttl,
            ttl_from: TtlFrom::Record,
            ttl_field: None,
            expiry_field: None,
            time_unit: TimeUnit::Millis,
            earliest_time: UNIX_EPOCH + THIRTY_YEARS,
            max_time_ahead: DAY,
        }
    }

    /// Whether the timestamp of a record tells when its entry expires.
    pub fn is_told_by_timestamp(&self) -> bool {
        let has_own = self.ttl_field.is_some() || self.expiry_field.is_some();
        self.ttl_from == TtlFrom::Record && !has_own
    }

    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let (ttl, ttl_from) = (read_ttl(section), read_ttl_from(section));
        let (ttl_field, expiry_field) = (read_ttl_field(section), read_expiry_field(section));
        let (time_unit, earliest_time) = (read_time_unit(section), read_earliest_time(section));
        let max_time_ahead = read_max_time_ahead(section);
        if let (Some(Some(_)), Some(Some(_))) = (&ttl_field, &expiry_field) {
            let (path, wrong) = (section.path_of("expiry_field"), "ttl_field is set too");
            section.report.fault(&path, wrong, "set one of the two");
        }
        Some(Self {
            ttl: ttl?,
            ttl_from: ttl_from?,
            ttl_field: ttl_field?,
            expiry_field: expiry_field?,
            time_unit: time_unit?,
            earliest_time: earliest_time?,
            max_time_ahead: max_time_ahead?,
        })
    }
}

fn read_ttl(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "ttl",
        &Time(Duration::from_millis(1)..=Life::MAX),
        Unset::Fault,
        "How long an entry lives, counted from `ttl_from`.",
    )
}

fn read_ttl_from(section: &mut Section<'_>) -> Option<TtlFrom> {
    section.key(
        "ttl_from",
        &Parsed::new("\"@record\", \"@arrival\", or where a time is, such as \"/updated_at\""),
        Unset::Means("@record"),
        "The start of the time to live: the record's timestamp, its arrival here, or a time in the \
         record, as a number of `time_unit` since 1970 or as RFC 3339. RFC 3339 may have a space \
         for the T, lower-case letters, a fraction of any length, and an offset such as `+0000` or \
         `+00`. A time in the future counts as now. A record without that time is rejected. With \
         anything but `@record`, reading starts at the first record of the topic, whatever \
         `ingest.start` says, because a timestamp does not tell then whether its record is still \
         alive. With `@arrival`, every time to live starts again after a restart.",
    )
}

#[expect(clippy::option_option, reason = "a fault is not the same as nothing written")]
fn read_ttl_field(section: &mut Section<'_>) -> Option<Option<Source>> {
    section.key(
        "ttl_field",
        &Optional(Parsed::new(SOURCE)),
        Unset::Derived("`ttl` for all", || None),
        "Where a record says how long its own entry lives: a number of seconds, or a duration such \
         as `\"90s\"`. It is above zero, and at most ten years. A record without it lives for \
         `ttl`. Reading starts at the first record of the topic then.",
    )
}

#[expect(clippy::option_option, reason = "a fault is not the same as nothing written")]
fn read_expiry_field(section: &mut Section<'_>) -> Option<Option<Source>> {
    section.key(
        "expiry_field",
        &Optional(Parsed::new(SOURCE)),
        Unset::Derived("none", || None),
        "Where a record says when its entry expires, a time as in `ttl_from`. A time more than ten \
         years ahead counts as ten years ahead. A record without it lives for `ttl`. Reading starts \
         at the first record of the topic then.",
    )
}

fn read_time_unit(section: &mut Section<'_>) -> Option<TimeUnit> {
    section.key(
        "time_unit",
        &Word(&[
            ("s", TimeUnit::Seconds),
            ("ms", TimeUnit::Millis),
            ("us", TimeUnit::Micros),
            ("ns", TimeUnit::Nanos),
        ]),
        Unset::Means("ms"),
        "The unit of the times in `ttl_from` and `expiry_field` that are numbers. It is not guessed \
         from their size, so that no record is read in two ways. A wrong unit shows at once: its \
         times are rejected as implausible.",
    )
}

fn read_earliest_time(section: &mut Section<'_>) -> Option<SystemTime> {
    section.key(
        "earliest_time",
        &Moment,
        Unset::Means("2000-01-01T00:00:00Z"),
        "A record with an earlier time in `ttl_from` or `expiry_field` is rejected as implausible.",
    )
}

fn read_max_time_ahead(section: &mut Section<'_>) -> Option<Duration> {
    section.key(
        "max_time_ahead",
        &Time(Duration::ZERO..=Life::MAX),
        Unset::Means("1day"),
        "A record whose time in `ttl_from` is further ahead of now is rejected as implausible. \
         Otherwise its life would begin again at each restart.",
    )
}

/// A point in time.
struct Moment;

impl Form for Moment {
    type Value = SystemTime;

    fn wanted(&self) -> String {
        "a time such as \"2000-01-01T00:00:00Z\", from 1970 on".into()
    }

    fn parse(&self, text: &str) -> Result<SystemTime, String> {
        humantime::parse_rfc3339(text).map_err(|error| format!("not a time: {error}"))
    }

    /// TOML has dates, which need no quotes.
    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Other | Kind::Untyped)
    }
}

fn serialize_moment<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339(*time))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};
    use super::*;

    #[test]
    fn the_times_of_records_have_a_unit_and_bounds() {
        let config = load(SMALLEST, &[], &[]).unwrap();
        let Life { time_unit, earliest_time, max_time_ahead, .. } = config.tables[0].life;
        assert_eq!((time_unit, max_time_ahead), (TimeUnit::Millis, DAY));
        assert_eq!(humantime::format_rfc3339(earliest_time).to_string(), "2000-01-01T00:00:00Z");
        let settings = ["tables.0.time_unit=ns", "tables.0.max_time_ahead=0s"];
        let text = format!("{SMALLEST}earliest_time = 1990-05-01T00:00:00Z");
        let config = load(&text, &[], &settings).unwrap();
        assert_eq!(config.tables[0].life.time_unit, TimeUnit::Nanos);
        assert!(config.effective().contains("1990-05-01"), "{}", config.effective());
        let fault = "tables[0].time_unit: found \"m\": not known here";
        assert_eq!(faults(SMALLEST, &[], &["tables.0.time_unit=m"]), [fault]);
    }

    #[test]
    fn a_record_says_how_long_it_lives_or_when_it_expires_but_not_both() {
        let settings = ["tables.0.ttl_field=/ttl", "tables.0.expiry_field=@header/expiry"];
        let fault = "tables[0].expiry_field: ttl_field is set too";
        assert_eq!(faults(SMALLEST, &[], &settings), [fault]);
        for setting in settings {
            let config = load(SMALLEST, &[], &[setting]).unwrap();
            assert!(!config.tables[0].life.is_told_by_timestamp());
            let again = load(&config.effective(), &[], &[]).unwrap();
            assert_eq!(again.effective(), config.effective());
        }
        assert!(load(SMALLEST, &[], &[]).unwrap().tables[0].life.is_told_by_timestamp());
    }
}
