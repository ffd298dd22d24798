//! `LookupService`: reads entries of the tables, one key or many.
//!
//! Each call goes the same way: validate, wait for `min_positions`, check freshness, look up, and
//! write the response. It knows the tables and their health, and nothing of the stream.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::convert::{loading_miss, to_duration, to_miss, to_timestamp};
use super::deadline::Deadline;
use super::errors;
use super::freshness::TableState;
use super::lookup_request::{BatchGetRequest, GetRequest, Keys, LookupRequest, MAX_BATCH_KEYS};
use super::lookup_response::{FoundEntry, LookupOutcome, batch_as_of_len, put_batch_as_of};
use super::positions::{self, PositionWaiter};
use super::response::{Attempt, ResponseBudget, ResponseBuffer};
use super::validation::{Tables, required, validate};
use crate::health::Health;
use crate::proto::server::lookup_service_server::LookupService;
use crate::proto::v1::{AsOf, BatchGetResponse, GetResponse, Miss};
use crate::record::Timestamp;
use crate::table::Table;

/// Largest encoded response of a batch. Stated in the protocol. Under the 4 MiB that clients
/// in any language accept by default.
pub const MAX_RESPONSE_BYTES: usize = 3_584 << 10;

pub(super) struct Lookup {
    tables: Tables,
    health: Arc<Health>,
    positions: PositionWaiter,
    budget: ResponseBudget,
}

#[tonic::async_trait]
impl LookupService for Lookup {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let request = request.into_inner();
        validate(violations(&request, required("key", &request.key)))?;
        self.wait_for_positions(&request, deadline).await?;
        let look_up = |attempt, buffer: &mut ResponseBuffer| {
            self.begin(&request, attempt)?.get(&request.key, buffer);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }

    async fn batch_get(
        &self,
        request: Request<BatchGetRequest>,
    ) -> Result<Response<BatchGetResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let request = request.into_inner();
        let keys = &request.key;
        validate(violations(&request, key_count(keys)).chain(empty_keys(keys)))?;
        self.wait_for_positions(&request, deadline).await?;
        let look_up = |attempt, buffer: &mut ResponseBuffer| {
            self.begin(&request, attempt)?.batch_get(keys, buffer)
        };
        self.budget.respond(deadline, look_up).await
    }
}

impl Lookup {
    /// When `draining` becomes true, calls stop waiting for positions.
    pub(super) fn new(
        tables: Tables,
        health: Arc<Health>,
        budget: ResponseBudget,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let positions = PositionWaiter::new(Arc::clone(&health), draining);
        Self { tables, health, positions, budget }
    }

    async fn wait_for_positions<K>(
        &self,
        request: &LookupRequest<K>,
        deadline: Deadline,
    ) -> Result<(), Status> {
        let LookupRequest { table, freshness, .. } = request;
        self.tables.find(table)?;
        if freshness.min_positions.is_empty() {
            return Ok(());
        }
        let wait_end = deadline.wait_end(positions::MAX_WAIT);
        self.positions.wait_for(table, &freshness.min_positions, wait_end).await
    }

    fn begin<K>(
        &self,
        request: &LookupRequest<K>,
        attempt: Attempt,
    ) -> Result<TableLookup<'_>, Status> {
        let table = self.tables.find(&request.table)?;
        // Taken before the keys are read, so that the response never claims to be fresher than
        // its results are.
        let state = self.health.table(table.name()).map(TableState::of).unwrap_or_default();
        request.freshness.check(table.name(), state)?;
        Ok(TableLookup { table, state, now: table.now(), attempt })
    }
}

/// One attempt to look up the keys of a call. All keys see the same time and state.
struct TableLookup<'a> {
    table: &'a Table,
    state: TableState,
    now: Timestamp,
    attempt: Attempt,
}

impl TableLookup<'_> {
    fn get(&self, key: &str, buffer: &mut ResponseBuffer) {
        let as_of = self.as_of();
        let is_hit = self.show_outcome(key, |outcome| outcome.put_get_response(&as_of, buffer));
        self.count(u64::from(is_hit), u64::from(!is_hit));
    }

    fn batch_get(&self, keys: &Keys, buffer: &mut ResponseBuffer) -> Result<(), Status> {
        let as_of = self.as_of();
        let limit_bytes = MAX_RESPONSE_BYTES - batch_as_of_len(&as_of);
        let (mut hits, mut fitting_keys) = (0, 0);
        let mut fits = true;
        let mut ahead = keys.iter();
        for (number, key) in keys.iter().enumerate() {
            if number % Table::LOOKAHEAD == 0 {
                self.table.prefetch(&mut ahead);
            }
            let is_hit = self.show_outcome(key, |outcome| {
                fits = buffer.message_bytes() + outcome.batch_result_len() <= limit_bytes;
                if fits {
                    outcome.put_batch_result(buffer);
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
            return Err(errors::response_too_large(MAX_RESPONSE_BYTES, fitting_keys));
        }
        put_batch_as_of(&as_of, buffer);
        Ok(())
    }

    /// Shows the outcome under a key, and returns whether it is an entry. An entry is shown in
    /// the table's memory, which may hold up its writers, so `visit` must be quick.
    fn show_outcome(&self, key: &str, mut visit: impl FnMut(&LookupOutcome<'_>)) -> bool {
        let names = self.table.fields();
        let found = self.table.peek(key, self.now, |entry| {
            visit(&LookupOutcome::Entry(FoundEntry::new(key, names, entry)));
        });
        if found.is_none() {
            visit(&LookupOutcome::Miss(self.miss(key)));
        }
        found.is_some()
    }

    /// Counts on the first attempt only, so that a call that waited is counted once.
    fn count(&self, hits: u64, misses: u64) {
        if self.attempt == Attempt::First {
            self.table.count_lookups(hits, misses);
        }
    }

    fn miss(&self, key: &str) -> Miss {
        if self.state.is_ready {
            to_miss(self.table.miss_reason(key, self.now))
        } else {
            loading_miss()
        }
    }

    fn as_of(&self) -> AsOf {
        let newest_record_time = self.table.newest_record_time().map(to_timestamp);
        let staleness = self.state.staleness.map(to_duration);
        AsOf { ready: self.state.is_ready, newest_record_time, staleness }
    }
}

/// The fields that break their rules. `of_keys` is the violation of the field with the keys.
fn violations<K>(
    request: &LookupRequest<K>,
    of_keys: Option<FieldViolation>,
) -> impl Iterator<Item = Option<FieldViolation>> {
    [required("table", &request.table), of_keys].into_iter().chain(request.freshness.violations())
}

fn key_count(keys: &Keys) -> Option<FieldViolation> {
    let count = keys.count();
    (!(1..=MAX_BATCH_KEYS).contains(&count)).then(|| {
        let rule = format!("must be 1 to {MAX_BATCH_KEYS}, and there are {count}");
        FieldViolation::new("keys", rule)
    })
}

/// Makes a field name only for keys that are empty, since a valid batch may have a thousand.
fn empty_keys(keys: &Keys) -> impl Iterator<Item = Option<FieldViolation>> {
    let empty = keys.iter().enumerate().filter(|(_, key)| key.is_empty());
    empty.map(|(index, key)| required(&format!("keys[{index}]"), key))
}

#[cfg(test)]
mod tests;
