//! `Scan`: the live entries of a table, read as the caller takes them.
//!
//! ```text
//! table walk (on the thread for walks) -> places of keys -> entries, a response at a time
//! ```

mod request;
mod walk;

use std::time::Instant;

use tonic::Status;
use tonic_types::FieldViolation;

use super::call::Call;
use super::costs::CallCost;
use super::errors;
use super::field_mask::FieldMask;
use super::fresh_tables::FreshTables;
use super::freshness::Freshness;
use super::lookup_response::FoundEntry;
use super::page::{List, PAGE_TOKEN, token_after, token_place};
use super::pool::Permit;
use super::response::{FinishedResponse, ResponseBuffer};
use super::streamed::{MessageSource, NextMessage};
use super::validation::{self, required, validate};
use crate::proto::v1::AsOf;
use crate::table::{ScanPosition, Table};
pub(super) use request::ScanRequest;
pub(super) use walk::{TableWalk, Walks};

/// A response ends with the entry with which it has so many bytes.
const ENOUGH_BYTES: usize = 32 << 10;

/// Field numbers of `ScanResponse`.
mod response {
    pub(super) const ENTRIES: u32 = 1;
    pub(super) const NEXT_PAGE_TOKEN: u32 = 2;
    pub(super) const AS_OF: u32 = 3;
}

/// The entries of one call.
pub(super) struct Scan {
    tables: FreshTables,
    request: ScanRequest,
    /// What the request holds of the pool.
    _held: Permit,
    mask: FieldMask,
    walk: TableWalk,
    /// How many entries the caller still wants.
    left: u64,
    is_over: bool,
}

/// What one response has of the entries.
struct Page {
    /// How many places of the walk were read for it.
    places: usize,
    entries: usize,
    next_page_token: String,
}

impl Scan {
    /// The scan that a request asks for, whose bytes are held by this permit.
    pub(super) async fn begin(
        tables: &FreshTables,
        walks: &Walks,
        call: &Call,
        (request, held): (ScanRequest, Permit),
    ) -> Result<Self, Status> {
        let asked = &request.lookup;
        let of_fields = [required("table", &asked.table), validation::prefix(&asked.key)];
        let of_freshness = asked.freshness.violations();
        let of_limit = [(request.limit < 0).then(negative_limit)];
        validate(of_fields.into_iter().chain(of_freshness).chain(of_limit))?;
        let table = tables.find(&asked.table)?;
        let mask = FieldMask::of(&asked.fields, table.fields());
        let mask = mask.map_err(|violation| errors::invalid_request(vec![violation]))?;
        let after = place_of(table, &request)?;
        tables.wait_for_positions(&asked.table, &asked.freshness, call.deadline()).await?;
        let (table, _) = tables.find_fresh(&asked.table, &asked.freshness)?;
        let walk = walks.of(table, asked.key.clone(), after, call);
        let left = u64::try_from(request.limit).ok().filter(|limit| *limit > 0);
        let left = left.unwrap_or(u64::MAX);
        let tables = tables.clone();
        Ok(Self { tables, request, _held: held, mask, walk, left, is_over: false })
    }

    async fn next_message(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        if self.is_over {
            return Ok(None);
        }
        self.walk.find_places(call).await?;
        let begin = Instant::now();
        let mut page = None;
        let response = call.respond(|_, buffer| {
            page = Some(self.write_page(buffer)?);
            Ok(())
        });
        let response = response.await?;
        let Some(Page { places, entries, next_page_token }) = page else { return Ok(None) };
        self.walk.advance(places);
        self.left = self.left.saturating_sub(entries as u64);
        self.is_over = next_page_token.is_empty() || self.left == 0;
        let answer_bytes = response.total_bytes() as u64;
        let cost = CallCost { answer_bytes, busy: begin.elapsed(), ..CallCost::default() };
        call.add_keys(&self.request.lookup.table, entries, cost);
        Ok(Some(response))
    }

    fn write_page(&self, buffer: &mut ResponseBuffer) -> Result<Page, Status> {
        let as_of = self.as_of()?;
        let (mut places, mut entries) = (0, 0);
        for position in self.walk.places() {
            if entries as u64 >= self.left || buffer.message_bytes() >= ENOUGH_BYTES {
                break;
            }
            self.walk.read(*position, |key, entry| {
                let names = self.walk.table().fields();
                let found = FoundEntry::new(key, names, &self.mask, entry);
                found.put_field(response::ENTRIES, buffer);
                entries += 1;
            });
            places += 1;
        }
        let place = self.walk.place_after(places);
        let next_page_token = place.map(|place| self.token(place)).unwrap_or_default();
        if !next_page_token.is_empty() {
            buffer.put_text(response::NEXT_PAGE_TOKEN, &next_page_token);
        }
        buffer.put_field(response::AS_OF, &as_of);
        Ok(Page { places, entries, next_page_token })
    }

    /// What was known of the table before what is read next.
    fn as_of(&self) -> Result<AsOf, Status> {
        let name = &self.request.lookup.table;
        let (table, state) = self.tables.find_fresh(name, &Freshness::default())?;
        Ok(state.as_of(table))
    }

    fn token(&self, place: ScanPosition) -> String {
        let (table, prefix) = (self.walk.table(), &self.request.lookup.key);
        token_after(List::Scan(table.name(), prefix), (place.as_u64(), &instance(table)))
    }
}

impl MessageSource for Scan {
    fn next<'a>(&'a mut self, call: &'a Call) -> NextMessage<'a> {
        Box::pin(self.next_message(call))
    }
}

/// Where the scan goes on; none from the beginning. A place means something in one table only.
fn place_of(table: &Table, request: &ScanRequest) -> Result<Option<ScanPosition>, Status> {
    let list = List::Scan(table.name(), &request.lookup.key);
    let place = token_place(list, (PAGE_TOKEN, &request.page_token))?;
    let is_other = |(_, of_table): &(u64, String)| *of_table != instance(table);
    if place.as_ref().is_some_and(is_other) {
        let rule = "is of a process that has ended, or of another one: begin the scan anew";
        return Err(errors::invalid_request(vec![FieldViolation::new(PAGE_TOKEN, rule)]));
    }
    Ok(place.map(|(number, _)| ScanPosition::from_u64(number)))
}

fn instance(table: &Table) -> String {
    format!("{:016x}", table.instance())
}

fn negative_limit() -> FieldViolation {
    FieldViolation::new("limit", "must not be negative")
}
