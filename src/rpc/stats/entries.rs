//! Describes what entries cost in memory: one by its key, or the largest of a table.

use tonic::Status;
use tonic_types::FieldViolation;

use crate::proto::v1::{
    self as wire, DescribeEntryRequest, DescribeEntryResponse, EntryDescription,
    ListLargestEntriesRequest, ListLargestEntriesResponse,
};
use crate::record::{Key, Timestamp};
use crate::rpc::convert::{to_duration, to_origin};
use crate::rpc::errors;
use crate::rpc::validation::{Tables, required, validate};
use crate::table::{DescribedEntry, Table};

/// Most entries in one page. Stated in the protocol.
const MAX_PAGE_SIZE: u32 = 1_000;
const DEFAULT_PAGE_SIZE: u32 = 20;
/// Most bytes in one page, since clients refuse responses over 4 MiB. A key has at most 64 KiB,
/// so a page has room for some entries at least.
const MAX_PAGE_BYTES: usize = 2 << 20;
/// More than a description takes beside its key.
const DESCRIPTION_BYTES: usize = 128;

pub(super) fn describe(
    tables: &Tables,
    request: &DescribeEntryRequest,
) -> Result<DescribeEntryResponse, Status> {
    let DescribeEntryRequest { table: name, key } = request;
    validate([required("table", name), required("key", key)])?;
    let table = tables.find(name)?;
    let now = table.now();
    let not_found = || errors::entry_not_found(name, key);
    let key = Key::copy_of(key).ok_or_else(not_found)?;
    let described = table.describe(&key, now).ok_or_else(not_found)?;
    Ok(DescribeEntryResponse { entry: Some(description(&described, now)) })
}

pub(super) fn list_largest(
    tables: &Tables,
    request: &ListLargestEntriesRequest,
) -> Result<ListLargestEntriesResponse, Status> {
    validate([required("table", &request.table), page_size_violation(request.page_size)])?;
    let table = tables.find(&request.table)?;
    let after = parse_token(&request.page_token)?;
    let count = if request.page_size == 0 { DEFAULT_PAGE_SIZE } else { request.page_size };
    Ok(page(table, count as usize, after))
}

fn page(table: &Table, count: usize, after: Option<(u64, &str)>) -> ListLargestEntriesResponse {
    let now = table.now();
    // One more than the page has, to know whether the page is the last.
    let largest = table.largest(count + 1, after, now);
    let page = &largest.entries[..fitting(&largest.entries, count)];
    let last = page.last().filter(|_| page.len() < largest.entries.len());
    ListLargestEntriesResponse {
        entries: page.iter().map(|described| description(described, now)).collect(),
        next_page_token: last.map(token_after).unwrap_or_default(),
        walked_count: largest.walked_count,
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

fn page_size_violation(page_size: u32) -> Option<FieldViolation> {
    let rule = format!("must be at most {MAX_PAGE_SIZE}, and is {page_size}");
    (page_size > MAX_PAGE_SIZE).then(|| FieldViolation::new("page_size", rule))
}

/// The next page begins after this entry. Weight and key are the order of the entries.
fn token_after(last: &DescribedEntry) -> String {
    format!("{} {}", last.weight_bytes(), last.key.as_str())
}

fn parse_token(token: &str) -> Result<Option<(u64, &str)>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let parsed = token.split_once(' ').and_then(|(weight, key)| Some((weight.parse().ok()?, key)));
    let rule = "must be empty or the next_page_token of a response";
    let violation = || errors::invalid_request(vec![FieldViolation::new("page_token", rule)]);
    parsed.map(Some).ok_or_else(violation)
}

fn description(described: &DescribedEntry, now: Timestamp) -> EntryDescription {
    let DescribedEntry { key, parts, origin, expires_at, replaced_count } = described;
    EntryDescription {
        key: key.as_str().to_owned(),
        weight_bytes: parts.total_bytes(),
        parts: Some(wire::WeightParts {
            key_bytes: parts.key_bytes,
            fields_bytes: parts.fields_bytes,
            header_bytes: parts.header_bytes,
            rounding_bytes: parts.rounding_bytes,
            bookkeeping_bytes: parts.bookkeeping_bytes,
        }),
        origin: Some(to_origin(*origin)),
        age: Some(to_duration(origin.time.until(now))),
        time_left: Some(to_duration(now.until(*expires_at))),
        replaced_count: *replaced_count,
    }
}
