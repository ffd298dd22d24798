//! Describes what entries cost in memory: one by its key, or the largest of a table.

use std::sync::Arc;

use tonic::Status;

use crate::proto::v1::{
    self as wire, DescribeEntryResponse, EntryDescription, ListLargestEntriesRequest,
    ListLargestEntriesResponse,
};
use crate::record::{Key, Timestamp};
use crate::rpc::convert::{to_duration, to_int64, to_origin};
use crate::rpc::errors;
use crate::rpc::freshness::TableState;
use crate::rpc::page::{List, PageRequest, token_after};
use crate::table::{DescribedEntry, Table};

const DEFAULT_PAGE_SIZE: usize = 20;
/// Most bytes in one page: no more than one connection may hold of the smallest byte pool. A key has
/// at most 64 KiB, so a page has room for some entries at least.
const MAX_PAGE_BYTES: usize = 1 << 20;
/// More than a description takes beside its key.
const DESCRIPTION_BYTES: usize = 128;

pub(super) fn describe(
    table: &Table,
    state: TableState,
    key: &str,
) -> Result<DescribeEntryResponse, Status> {
    let now = table.now();
    let not_found = || errors::entry_not_found(table.name(), key);
    let as_of = Some(state.as_of(table));
    let key = Key::copy_of(key).ok_or_else(not_found)?;
    let described = table.describe(&key, now).ok_or_else(not_found)?;
    Ok(DescribeEntryResponse { entry: Some(description(&described, now)), as_of })
}

/// The walk that finds a page of the largest entries. It takes long.
pub(super) fn walk(
    table: &Arc<Table>,
    state: TableState,
    request: &ListLargestEntriesRequest,
) -> Result<impl FnOnce() -> ListLargestEntriesResponse + use<>, Status> {
    let table = Arc::clone(table);
    let asked = (request.page_size, request.page_token.as_str());
    let asked = PageRequest::of(List::LargestEntries(table.name()), asked, DEFAULT_PAGE_SIZE)?;
    Ok(move || page(&table, state, &asked))
}

/// An entry's number in the list is its weight.
fn page(table: &Table, state: TableState, asked: &PageRequest) -> ListLargestEntriesResponse {
    let (now, as_of) = (table.now(), state.as_of(table));
    let after = asked.after.as_ref().map(|(weight_bytes, key)| (*weight_bytes, key.as_str()));
    // One more than the page has, to know whether the page is the last.
    let largest = table.largest(asked.size + 1, after, now);
    let page = &largest.entries[..fitting(&largest.entries, asked.size)];
    let last = page.last().filter(|_| page.len() < largest.entries.len());
    let token = |last: &DescribedEntry| {
        token_after(List::LargestEntries(table.name()), (last.weight_bytes(), last.key.as_str()))
    };
    ListLargestEntriesResponse {
        entries: page.iter().map(|described| description(described, now)).collect(),
        next_page_token: last.map(token).unwrap_or_default(),
        walked_count: to_int64(largest.walked_count),
        as_of: Some(as_of),
    }
}

/// The number of entries in the page: `count`, or fewer if their keys are very long.
fn fitting(entries: &[DescribedEntry], count: usize) -> usize {
    let mut page_bytes = 0;
    let fits = |entry: &&DescribedEntry| {
        page_bytes += entry.key.as_str().len() + DESCRIPTION_BYTES;
        page_bytes <= MAX_PAGE_BYTES
    };
    entries.iter().take(count).take_while(fits).count()
}

fn description(described: &DescribedEntry, now: Timestamp) -> EntryDescription {
    let DescribedEntry { key, parts, origin, expires_at, replaced_count } = described;
    EntryDescription {
        key: key.as_str().to_owned(),
        weight_bytes: to_int64(parts.total_bytes()),
        parts: Some(wire::WeightParts {
            key_bytes: to_int64(parts.key_bytes),
            fields_bytes: to_int64(parts.fields_bytes),
            header_bytes: to_int64(parts.header_bytes),
            rounding_bytes: to_int64(parts.rounding_bytes),
            bookkeeping_bytes: to_int64(parts.bookkeeping_bytes),
        }),
        origin: Some(to_origin(*origin)),
        age: Some(to_duration(origin.time.until(now))),
        time_left: Some(to_duration(now.until(*expires_at))),
        replaced_count: i64::from(*replaced_count),
    }
}
