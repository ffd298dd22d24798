//! How long an entry lives: from the record's timestamp, its arrival or a time in the record, for as
//! long as the table says or the record does.

use std::time::Duration;

use super::document::{CompiledSource, ParsedMessage, Pointers};
use super::json::JsonValue;
use super::message::Message;
use super::times;
use crate::config::{Life, TimeUnit, TtlFrom};
use crate::record::{Reject, Timestamp};

/// What decides when an entry expires.
#[derive(Debug)]
pub(super) struct CompiledLife {
    start: LifeStart,
    ttl: Duration,
    /// Where a record says how long its own entry lives.
    ttl_field: Option<CompiledSource>,
    /// Where a record says when its entry expires.
    expiry_field: Option<CompiledSource>,
    unit: TimeUnit,
    earliest: Timestamp,
    max_ahead: Duration,
}

#[derive(Debug)]
enum LifeStart {
    Record,
    Arrival,
    Field(CompiledSource),
}

/// The end of the year 9999. Later times are no dates, but numbers of another unit.
const END_OF_DATES: Timestamp = Timestamp::from_millis(253_402_300_799_999);

impl CompiledLife {
    pub(super) fn new(life: &Life, pointers: &mut Pointers) -> Self {
        let mut compile = |source| CompiledSource::new(source, pointers);
        let start = match &life.ttl_from {
            TtlFrom::Record => LifeStart::Record,
            TtlFrom::Arrival => LifeStart::Arrival,
            TtlFrom::Source(source) => LifeStart::Field(compile(source)),
        };
        Self {
            start,
            ttl: life.ttl,
            ttl_field: life.ttl_field.as_ref().map(&mut compile),
            expiry_field: life.expiry_field.as_ref().map(&mut compile),
            unit: life.time_unit,
            earliest: life.earliest_time.into(),
            max_ahead: life.max_time_ahead,
        }
    }

    /// The sources that are read.
    pub(super) fn sources(&self) -> impl Iterator<Item = &CompiledSource> {
        let start = match &self.start {
            LifeStart::Field(source) => Some(source),
            LifeStart::Record | LifeStart::Arrival => None,
        };
        start.into_iter().chain(&self.ttl_field).chain(&self.expiry_field)
    }

    /// When the entry of a record expires. Each of the record's own times may end it, and a record
    /// without any has the life that the table gives.
    pub(super) fn expiry(&self, record: &ParsedMessage<'_, '_>) -> Result<Timestamp, Reject> {
        let Message { now, now_elsewhere, .. } = *record.message;
        // A clock that is behind makes nothing older.
        let ahead = now_elsewhere.until(now);
        if let Some(expiry) = field(self.expiry_field.as_ref(), record)? {
            let expiry = self.plausible(expiry, END_OF_DATES)?.plus(ahead);
            return Ok(expiry.min(now.plus(Life::MAX)));
        }
        let start = match &self.start {
            LifeStart::Record => record.message.origin.time.plus(ahead),
            LifeStart::Arrival => now,
            LifeStart::Field(source) => {
                let start = record.present(source)?.ok_or(Reject::MissingTime)?;
                self.plausible(start, now_elsewhere.plus(self.max_ahead))?.plus(ahead)
            }
        };
        let ttl = match field(self.ttl_field.as_ref(), record)? {
            Some(ttl) => times::lifetime(ttl, Life::MAX).ok_or(Reject::InvalidTtl)?,
            None => self.ttl,
        };
        // A time in the future counts as now.
        Ok(start.min(now).plus(ttl))
    }

    /// The time that a value says, if that is neither too early nor after `latest`. A time far off
    /// is a number of another unit, or a clock that is wrong.
    fn plausible(&self, value: JsonValue<'_>, latest: Timestamp) -> Result<Timestamp, Reject> {
        let time = times::time(value, self.unit).ok_or(Reject::InvalidTime)?;
        let is_plausible = (self.earliest..=latest).contains(&time);
        if is_plausible { Ok(time) } else { Err(Reject::ImplausibleTime) }
    }
}

fn field<'d>(
    source: Option<&CompiledSource>,
    record: &ParsedMessage<'d, '_>,
) -> Result<Option<JsonValue<'d>>, Reject> {
    source.map_or(Ok(None), |source| record.present(source))
}
