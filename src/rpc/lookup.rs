//! `LookupService`: what a table has under a key, or that it has nothing.

use std::sync::Arc;

use prost::Message;
use prost::encoding::encoded_len_varint;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::answer::{AnswerEntry, wire_span, wire_time};
use super::deadline;
use super::demands::{Demands, State};
use super::errors;
use super::in_flight::{InFlight, Look};
use super::miss;
use super::positions::{self, Positions};
use super::request::{Tables, required, validate};
use crate::health::Health;
use crate::proto::server::lookup_service_server::LookupService;
use crate::proto::server::{
    AsOf, BatchGetRequest, BatchGetResponse, BatchGetResult, GetRequest, GetResponse, Miss,
    PartitionOffset, batch_get_result, get_response,
};
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
        let until = deadline::of_wait(request.metadata());
        let request = request.into_inner();
        let demands = Demands::of_get(&request);
        let GetRequest { table, key, min_positions, .. } = request;
        let required = [required("table", &table), required("key", &key), demands.violation()];
        validate(required.into_iter().chain(positions::violations(&min_positions)))?;
        self.wait(&table, &min_positions, until).await?;
        self.in_flight.answer(|look| Ok(self.ask(&table, &demands, look)?.one(&key))).await
    }

    async fn batch_get(
        &self,
        request: Request<BatchGetRequest>,
    ) -> Result<Response<BatchGetResponse>, Status> {
        let until = deadline::of_wait(request.metadata());
        let request = request.into_inner();
        let demands = Demands::of_batch(&request);
        let BatchGetRequest { table, keys, min_positions, .. } = request;
        let required = [required("table", &table), key_count(&keys), demands.violation()];
        let each = empty(&keys).chain(positions::violations(&min_positions));
        validate(required.into_iter().chain(each))?;
        self.wait(&table, &min_positions, until).await?;
        self.in_flight.answer(|look| self.ask(&table, &demands, look)?.batch(&keys)).await
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

    async fn wait(
        &self,
        name: &str,
        min_positions: &[PartitionOffset],
        until: Instant,
    ) -> Result<(), Status> {
        self.tables.find(name)?;
        self.positions.reach(name, min_positions, until).await
    }

    fn ask(&self, name: &str, demands: &Demands, look: Look) -> Result<Asked<'_>, Status> {
        let table = self.tables.find(name)?;
        // The state before the lookup: what it did not find then was not there yet.
        let state = self.health.table(name).map(State::of).unwrap_or_default();
        demands.check(name, state)?;
        Ok(Asked { table, state, now: Timestamp::now(), look })
    }
}

/// One question to one table: every key of it sees the same time and state.
struct Asked<'a> {
    table: &'a Arc<Table>,
    state: State,
    now: Timestamp,
    look: Look,
}

impl Asked<'_> {
    fn one(&self, key: &str) -> GetResponse {
        let outcome = match self.find(key) {
            Ok(entry) => get_response::Outcome::Entry(entry),
            Err(miss) => get_response::Outcome::Miss(miss),
        };
        GetResponse { outcome: Some(outcome), as_of: Some(self.as_of()) }
    }

    fn batch(&self, keys: &[String]) -> Result<BatchGetResponse, Status> {
        let mut answer = BatchGetResponse { results: Vec::new(), as_of: Some(self.as_of()) };
        let mut answer_bytes = answer.encoded_len();
        answer.results.reserve_exact(keys.len());
        for key in keys {
            let result = self.result(key);
            answer_bytes += item_bytes(&result);
            if answer_bytes > MAX_ANSWER_BYTES {
                return Err(errors::answer_too_large(MAX_ANSWER_BYTES, answer.results.len()));
            }
            answer.results.push(result);
        }
        Ok(answer)
    }

    fn find(&self, key: &str) -> Result<AnswerEntry, Miss> {
        let found = match self.look {
            Look::First => self.table.get(key, self.now, |entry| entry.copy()),
            // A call that waited is still one question: its hits and misses are counted.
            Look::Again => self.table.peek(key, self.now, |entry| entry.copy()),
        };
        match found {
            Some(entry) => Ok(AnswerEntry::new(key.to_owned(), self.table, entry)),
            None => Err(self.miss(key)),
        }
    }

    fn result(&self, key: &str) -> BatchGetResult {
        let outcome = match self.find(key) {
            Ok(entry) => batch_get_result::Outcome::Entry(entry),
            Err(miss) => batch_get_result::Outcome::Miss(miss),
        };
        BatchGetResult { outcome: Some(outcome) }
    }

    fn miss(&self, key: &str) -> Miss {
        if self.state.is_ready {
            miss::explained(self.table.why_absent(key, self.now))
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

fn key_count(keys: &[String]) -> Option<FieldViolation> {
    let rule = format!("must be 1 to {MAX_BATCH_KEYS}, and there are {}", keys.len());
    let holds = (1..=MAX_BATCH_KEYS).contains(&keys.len());
    (!holds).then(|| FieldViolation::new("keys", rule))
}

fn empty(keys: &[String]) -> impl Iterator<Item = Option<FieldViolation>> {
    keys.iter().enumerate().map(|(index, key)| required(&format!("keys[{index}]"), key))
}

/// Bytes that a result adds to the answer: its tag, its length and itself.
fn item_bytes(result: &BatchGetResult) -> usize {
    let len = result.encoded_len();
    1 + encoded_len_varint(len as u64) + len
}
