//! `LookupService`: reads entries of the tables, one key or many, and lists the tables.
//!
//! Each lookup goes the same way: validate, wait for `min_positions`, check freshness, look up, and
//! write the response. It knows the tables and their health, and nothing of the stream.

use tonic::Status;
use tonic_types::FieldViolation;

use super::call::{Attempt, Call};
use super::convert::{loading_miss, to_miss};
use super::deadline::Deadline;
use super::descriptions::TableDescriptions;
use super::errors;
use super::field_mask::FieldMask;
use super::fresh_tables::FreshTables;
use super::freshness::TableState;
use super::lookup_request::{BatchGetRequest, GetRequest, LookupRequest, MAX_BATCH_KEYS};
use super::lookup_response::{FoundEntry, LookupOutcome, max_batch_end_len, put_batch_end};
use super::response::{FinishedResponse, ResponseBuffer};
use super::texts::Texts;
use super::validation::{self, required, validate};
use crate::proto::v1::{AsOf, ListTablesRequest, Miss};
use crate::record::Timestamp;
use crate::table::{LookupCounts, MissKind, Table};

/// Largest encoded response of a batch, unless the byte pool is small. Stated in the protocol.
/// Under the 4 MiB that clients in any language accept by default.
pub(super) const MAX_RESPONSE_BYTES: usize = 3_584 << 10;

pub(super) struct Lookup {
    tables: FreshTables,
    descriptions: TableDescriptions,
    max_batch_bytes: usize,
}

impl Lookup {
    /// A batch is answered with at most `max_batch_bytes`.
    pub(super) fn new(
        tables: FreshTables,
        descriptions: TableDescriptions,
        max_batch_bytes: usize,
    ) -> Self {
        Self { tables, descriptions, max_batch_bytes }
    }

    /// Looks up one key.
    pub(super) async fn get(
        &self,
        call: &Call,
        request: GetRequest,
    ) -> Result<FinishedResponse, Status> {
        let mask = self.prepare_get(&request, call.deadline()).await?;
        let look_up = |attempt, buffer: &mut ResponseBuffer| {
            self.get_prepared(&request, &mask, attempt, |outcome, as_of| {
                outcome.put_get_response(as_of, buffer);
            })
        };
        call.respond(look_up).await
    }

    /// Shows the outcome under the key of a request that [was prepared](Self::prepare_get), and how
    /// complete the table is. It is shown in the table's memory, so `visit` must be quick.
    ///
    /// # Errors
    ///
    /// When the table is not as fresh as the request demands.
    pub(super) fn get_prepared(
        &self,
        request: &GetRequest,
        mask: &FieldMask,
        attempt: Attempt,
        visit: impl FnMut(&LookupOutcome<'_>, &AsOf),
    ) -> Result<(), Status> {
        self.begin(request, mask, attempt)?.get(&request.key, visit);
        Ok(())
    }

    /// Validates a request for one key, and waits until the table has handled what it demands. Ends
    /// at once if it demands no positions.
    pub(super) async fn prepare_get(
        &self,
        request: &GetRequest,
        deadline: Deadline,
    ) -> Result<FieldMask, Status> {
        let of_key = validation::key(|| "key".into(), &request.key);
        self.prepare(request, [of_key], deadline).await
    }

    /// Looks up many keys.
    pub(super) async fn batch_get(
        &self,
        call: &Call,
        request: BatchGetRequest,
    ) -> Result<FinishedResponse, Status> {
        let keys = &request.key;
        let mask = self.prepare(&request, key_violations(keys), call.deadline()).await?;
        let look_up = |attempt, buffer: &mut ResponseBuffer| {
            self.begin(&request, &mask, attempt)?.batch_get(keys, self.max_batch_bytes, buffer);
            Ok(())
        };
        call.respond(look_up).await
    }

    /// Lists the tables that the caller may list.
    pub(super) fn list_tables(
        &self,
        call: &Call,
        request: &ListTablesRequest,
    ) -> Result<FinishedResponse, Status> {
        let is_visible = |table: &str| call.caller().can_call_for(table);
        call.respond_at_once(&self.descriptions.list(request, is_visible)?)
    }

    /// Validates a request, and waits until the table has handled what it demands.
    async fn prepare<K>(
        &self,
        request: &LookupRequest<K>,
        of_keys: impl IntoIterator<Item = Option<FieldViolation>>,
        deadline: Deadline,
    ) -> Result<FieldMask, Status> {
        validate(violations(request, of_keys))?;
        let table = self.tables.find(&request.table)?;
        let mask = FieldMask::of(&request.fields, table.fields());
        let mask = mask.map_err(|violation| errors::invalid_request(vec![violation]))?;
        self.tables.wait_for_positions(&request.table, &request.freshness, deadline).await?;
        Ok(mask)
    }

    fn begin<'a, K>(
        &'a self,
        request: &LookupRequest<K>,
        mask: &'a FieldMask,
        attempt: Attempt,
    ) -> Result<TableLookup<'a>, Status> {
        // Taken before the keys are read, so that the response never claims to be fresher than
        // its results are.
        let (table, state) = self.tables.find_fresh(&request.table, &request.freshness)?;
        Ok(TableLookup { table, mask, state, now: table.now(), attempt })
    }
}

/// One attempt to look up the keys of a call. All keys see the same time and state.
struct TableLookup<'a> {
    table: &'a Table,
    mask: &'a FieldMask,
    state: TableState,
    now: Timestamp,
    attempt: Attempt,
}

impl TableLookup<'_> {
    fn get(&self, key: &str, mut visit: impl FnMut(&LookupOutcome<'_>, &AsOf)) {
        let as_of = self.as_of();
        let mut counts = LookupCounts::default();
        counts.count(self.show_outcome(key, |outcome| visit(outcome, &as_of)));
        self.count(&counts);
    }

    /// Answers the keys from the first on until the response is full, and defers the rest.
    fn batch_get(&self, keys: &Texts, limit_bytes: usize, buffer: &mut ResponseBuffer) {
        let as_of = self.as_of();
        let limit_bytes = limit_bytes.saturating_sub(max_batch_end_len(&as_of));
        let (mut counts, mut answered) = (LookupCounts::default(), 0);
        let mut ahead = keys.iter();
        for key in keys.iter() {
            if answered % Table::LOOKAHEAD == 0 {
                self.table.prefetch(&mut ahead);
            }
            let mut fits = false;
            let miss = self.show_outcome(key, |outcome| {
                // The first always fits. A call that answered no key would be repeated for ever.
                let message_bytes = buffer.message_bytes() + outcome.batch_result_len();
                fits = answered == 0 || message_bytes <= limit_bytes;
                if fits {
                    outcome.put_batch_result(buffer);
                }
            });
            if !fits {
                break;
            }
            counts.count(miss);
            answered += 1;
        }
        self.count(&counts);
        put_batch_end(answered..keys.count(), &as_of, buffer);
    }

    /// Shows the outcome under a key, and returns the kind of the miss if it is one. An entry is
    /// shown in the table's memory, which may hold up its writers, so `visit` must be quick.
    fn show_outcome(
        &self,
        key: &str,
        mut visit: impl FnMut(&LookupOutcome<'_>),
    ) -> Option<MissKind> {
        let names = self.table.fields();
        let found = self.table.peek(key, self.now, |entry| {
            visit(&LookupOutcome::Entry(FoundEntry::new(key, names, self.mask, entry)));
        });
        if found.is_some() {
            return None;
        }
        let (miss, kind) = self.miss(key);
        visit(&LookupOutcome::Miss(miss));
        Some(kind)
    }

    /// Counts on the first attempt only, so that a call that waited is counted once.
    fn count(&self, counts: &LookupCounts) {
        if self.attempt == Attempt::First {
            self.table.count_lookups(counts);
        }
    }

    fn miss(&self, key: &str) -> (Miss, MissKind) {
        if !self.state.is_ready {
            return (loading_miss(), MissKind::Loading);
        }
        let reason = self.table.miss_reason(key, self.now);
        (to_miss(reason), reason.into())
    }

    fn as_of(&self) -> AsOf {
        self.state.as_of(self.table)
    }
}

/// The fields that break their rules. `of_keys` are the violations of the field with the keys.
fn violations<K>(
    request: &LookupRequest<K>,
    of_keys: impl IntoIterator<Item = Option<FieldViolation>>,
) -> impl Iterator<Item = Option<FieldViolation>> {
    let of_table = required("table", &request.table);
    [of_table].into_iter().chain(of_keys).chain(request.freshness.violations())
}

fn key_violations(keys: &Texts) -> impl Iterator<Item = Option<FieldViolation>> {
    let each = |(index, key)| validation::key(|| format!("keys[{index}]"), key);
    [key_count(keys)].into_iter().chain(keys.iter().enumerate().map(each))
}

fn key_count(keys: &Texts) -> Option<FieldViolation> {
    let count = keys.count();
    (!(1..=MAX_BATCH_KEYS).contains(&count)).then(|| {
        let rule = format!("must be 1 to {MAX_BATCH_KEYS}, and there are {count}");
        FieldViolation::new("keys", rule)
    })
}

#[cfg(test)]
mod tests;
