//! Lists rejected records, in pages.

use tonic::Status;

use crate::proto::v1::{self as wire, ListRejectionsRequest, ListRejectionsResponse};
use crate::rpc::convert::{to_reason, to_timestamp};
use crate::rpc::fresh_tables::FreshTables;
use crate::rpc::page::{List, PageRequest, token_after};
use crate::stats::{ListedRejection, Rejection};

const DEFAULT_PAGE_SIZE: usize = 100;

/// One page of the rejections of one table, or of all tables if the request names none. `rejections`
/// are all, the newest first.
pub(super) fn list(
    tables: &FreshTables,
    rejections: Vec<ListedRejection>,
    request: &ListRejectionsRequest,
) -> Result<ListRejectionsResponse, Status> {
    let ListRejectionsRequest { table, page_size, page_token } = request;
    if !table.is_empty() {
        tables.find(table)?;
    }
    let list = List::Rejections(table);
    let asked = PageRequest::of(list, (*page_size, page_token), DEFAULT_PAGE_SIZE)?;
    let mut listed: Vec<_> = rejections
        .into_iter()
        .filter(|listed| table.is_empty() || *listed.rejection.table == **table)
        .filter(|listed| asked.after.as_ref().is_none_or(|(last, _)| listed.number < *last))
        .take(asked.size + 1)
        .collect();
    // One more than the page has, to know whether the page is the last.
    let is_last = listed.len() <= asked.size;
    listed.truncate(asked.size);
    let next = listed.last().filter(|_| !is_last).map(|listed| listed.number);
    Ok(ListRejectionsResponse {
        next_page_token: next.map(|number| token_after(list, (number, ""))).unwrap_or_default(),
        rejections: listed.into_iter().map(|listed| listed.rejection.into()).collect(),
    })
}

impl From<Rejection> for wire::Rejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            table: rejection.table.to_string(),
            topic: rejection.topic.to_string(),
            partition: rejection.partition,
            offset: rejection.offset,
            record_time: Some(to_timestamp(rejection.record_time)),
            reject_time: Some(to_timestamp(rejection.reject_time)),
            reason: to_reason(rejection.reason).into(),
        }
    }
}
