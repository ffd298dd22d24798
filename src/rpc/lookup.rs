//! `LookupService`: what a table has under a key, or that it has nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::answer::{self, FoundEntry, Outcome, wire_span, wire_time};
use super::deadline::Deadline;
use super::demands::{Demands, State};
use super::errors;
use super::in_flight::{InFlight, Look, Parcel};
use super::miss;
use super::positions::{self, Positions};
use super::question::{BatchGetRequest, GetRequest, Keys, Question};
use super::request::{Tables, required, validate};
use crate::health::Health;
use crate::proto::server::lookup_service_server::LookupService;
use crate::proto::server::{AsOf, BatchGetResponse, GetResponse, Miss};
use crate::record::Timestamp;
use crate::table::Table;

/// Most keys in one batch. Stated in the protocol.
pub const MAX_BATCH_KEYS: usize = 1_000;

/// Most bytes of an encoded batch answer. Stated in the protocol, and under the
/// 4 MiB that clients of any language accept unless they are told otherwise.
pub const MAX_ANSWER_BYTES: usize = 3_584 << 10;

pub(super) struct Lookup {
    tables: Tables,
    health: Arc<Health>,
    positions: Positions,
    in_flight: InFlight,
}

#[tonic::async_trait]
impl LookupService for Lookup {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let question = request.into_inner();
        validate(faults(&question, required("key", &question.key)))?;
        self.wait(&question, deadline).await?;
        let look_up = |look, parcel: &mut Parcel| {
            self.ask(&question, look)?.one(&question.key, parcel);
            Ok(())
        };
        self.in_flight.answer(deadline, look_up).await
    }

    async fn batch_get(
        &self,
        request: Request<BatchGetRequest>,
    ) -> Result<Response<BatchGetResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let question = request.into_inner();
        let keys = &question.key;
        validate(faults(&question, key_count(keys)).chain(empty(keys)))?;
        self.wait(&question, deadline).await?;
        let look_up = |look, parcel: &mut Parcel| self.ask(&question, look)?.batch(keys, parcel);
        self.in_flight.answer(deadline, look_up).await
    }
}

impl Lookup {
    /// Nobody waits for a position any more once `draining` is true.
    pub(super) fn new(
        tables: Tables,
        health: Arc<Health>,
        in_flight: InFlight,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let positions = Positions::new(Arc::clone(&health), draining);
        Self { tables, health, positions, in_flight }
    }

    async fn wait<K>(&self, question: &Question<K>, deadline: Deadline) -> Result<(), Status> {
        let Question { table, min_positions, .. } = question;
        self.tables.find(table)?;
        if min_positions.is_empty() {
            return Ok(());
        }
        let until = deadline.wait_until(positions::MAX_WAIT);
        self.positions.reach(table, min_positions, until).await
    }

    fn ask<K>(&self, question: &Question<K>, look: Look) -> Result<Asked<'_>, Status> {
        let table = self.tables.find(&question.table)?;
        // The state before the lookup: what it did not find then was not there yet.
        let state = self.health.table(table.name()).map(State::of).unwrap_or_default();
        Demands::of(question).check(table.name(), state)?;
        Ok(Asked { table, state, now: Timestamp::now(), look })
    }
}

/// One question to one table: every key of it sees the same time and state.
struct Asked<'a> {
    table: &'a Table,
    state: State,
    now: Timestamp,
    look: Look,
}

impl Asked<'_> {
    fn one(&self, key: &str, parcel: &mut Parcel) {
        let as_of = self.as_of();
        let is_hit = self.see(key, |outcome| outcome.put_alone(&as_of, parcel));
        self.count(u64::from(is_hit), u64::from(!is_hit));
    }

    fn batch(&self, keys: &Keys, parcel: &mut Parcel) -> Result<(), Status> {
        let as_of = self.as_of();
        let limit_bytes = MAX_ANSWER_BYTES - answer::batch_state_len(&as_of);
        let (mut hits, mut fitting_keys) = (0, 0);
        let mut fits = true;
        let mut ahead = keys.iter();
        for (number, key) in keys.iter().enumerate() {
            if number % Table::LOOKAHEAD == 0 {
                self.table.prefetch(&mut ahead);
            }
            let is_hit = self.see(key, |outcome| {
                fits = parcel.message_bytes() + outcome.result_len() <= limit_bytes;
                if fits {
                    outcome.put_result(parcel);
                }
            });
            hits += u64::from(is_hit);
            if !fits {
                break;
            }
            fitting_keys += 1;
        }
        self.count(hits, fitting_keys as u64 + u64::from(!fits) - hits);
        if !fits {
            return Err(errors::answer_too_large(MAX_ANSWER_BYTES, fitting_keys));
        }
        answer::put_batch_state(&as_of, parcel);
        Ok(())
    }

    /// Shows what is under the key, and where it lies; whether it is an entry. The table's
    /// writers may wait for that, so nothing is done there but to write it.
    fn see(&self, key: &str, mut see: impl FnMut(&Outcome<'_>)) -> bool {
        let names = self.table.fields();
        let found = self.table.peek(key, self.now, |entry| {
            see(&Outcome::Entry(FoundEntry::new(key, names, entry)));
        });
        if found.is_none() {
            see(&Outcome::Miss(self.miss(key)));
        }
        found.is_some()
    }

    /// A call that waited is still one question: its hits and misses are counted.
    fn count(&self, hits: u64, misses: u64) {
        if self.look == Look::First {
            self.table.count_lookups(hits, misses);
        }
    }

    fn miss(&self, key: &str) -> Miss {
        if self.state.is_ready {
            miss::explained(self.table.miss_reason(key, self.now))
        } else {
            miss::loading()
        }
    }

    fn as_of(&self) -> AsOf {
        let newest_record_time = self.table.newest_record_time().map(wire_time);
        let staleness = self.state.staleness.and_then(wire_span);
        AsOf { ready: self.state.is_ready, newest_record_time, staleness }
    }
}

/// What is wrong with a question; `of_keys` is what is wrong with its keys.
fn faults<K>(
    question: &Question<K>,
    of_keys: Option<FieldViolation>,
) -> impl Iterator<Item = Option<FieldViolation>> {
    let demands = Demands::of(question).violation();
    [required("table", &question.table), of_keys, demands]
        .into_iter()
        .chain(positions::violations(&question.min_positions))
}

fn key_count(keys: &Keys) -> Option<FieldViolation> {
    let count = keys.count();
    (!(1..=MAX_BATCH_KEYS).contains(&count)).then(|| {
        let rule = format!("must be 1 to {MAX_BATCH_KEYS}, and there are {count}");
        FieldViolation::new("keys", rule)
    })
}

/// Names only those that are empty: there can be a thousand that are not.
fn empty(keys: &Keys) -> impl Iterator<Item = Option<FieldViolation>> {
    let empty = keys.iter().enumerate().filter(|(_, key)| key.is_empty());
    empty.map(|(index, key)| required(&format!("keys[{index}]"), key))
}

#[cfg(test)]
mod tests;
