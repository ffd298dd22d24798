//! Errors as callers get them: a gRPC status with a reason from the published `ErrorReason`.
//!
//! The one place that decides on status codes, messages and error details. It takes plain
//! values, and names no other file of this module.

use std::collections::HashMap;
use std::time::Duration;

use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::access::Denial;
use crate::proto::v1::ErrorReason;
use crate::request_id::RequestId;
use crate::stats::ShedCause;

const DOMAIN: &str = "millpond";
/// No table has a longer name. A key is cut here: its beginning tells enough.
const MAX_NAME_CHARS: usize = 64;
/// Error details travel in a header, and clients limit its size.
const MAX_NAMES: usize = 10;
/// The delay that a `RetryInfo` names.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// No table has that name. `tables` are the names of all tables.
pub(super) fn table_not_found(table: &str, tables: &[&str]) -> Status {
    let table: String = table.chars().take(MAX_NAME_CHARS).collect();
    let more = if tables.len() > MAX_NAMES { ", ..." } else { "" };
    let tables = tables[..tables.len().min(MAX_NAMES)].join(", ") + more;
    let message = format!("no table is called {table:?}; there are: {tables}");
    let metadata = [("table", table), ("tables", tables)];
    status(Code::NotFound, message, ErrorReason::TableNotFound, metadata)
}

/// The table has no live entry under the key of a call that is about one entry.
pub(super) fn entry_not_found(table: &str, key: &str) -> Status {
    let key: String = key.chars().take(MAX_NAME_CHARS).collect();
    let message = format!("table {table:?} has no live entry under {key:?}");
    let metadata = [("table", table.to_owned()), ("key", key)];
    status(Code::NotFound, message, ErrorReason::EntryNotFound, metadata)
}

/// The call requires a ready table, and the table is loading.
pub(super) fn table_loading(table: &str) -> Status {
    let message = format!("table {table:?} has not caught up with its stream yet; retry later");
    let metadata = [("table", table.to_owned())];
    retryable(Code::Unavailable, message, ErrorReason::TableLoading, metadata)
}

/// The table is staler than the call accepts. It has no staleness if it was never complete, or has
/// a partition that it was never complete in.
pub(super) fn table_stale(
    table: &str,
    is_ready: bool,
    staleness: Option<Duration>,
    max_staleness: Duration,
) -> Status {
    let max_staleness = seconds(max_staleness);
    let never = if is_ready {
        "reads a new partition whose end it has not reached yet"
    } else {
        "was never known to be complete"
    };
    let was = staleness.map_or(never.into(), |staleness| {
        format!("was last known to be complete {} ago", seconds(staleness))
    });
    let message =
        format!("table {table:?} {was}, and the call accepts at most {max_staleness}; retry later");
    let metadata = [
        ("table", table.to_owned()),
        ("ready", is_ready.to_string()),
        ("max_staleness", max_staleness),
    ];
    let staleness = staleness.map(|staleness| ("staleness", seconds(staleness)));
    let metadata = metadata.into_iter().chain(staleness);
    retryable(Code::Unavailable, message, ErrorReason::TableStale, metadata)
}

/// The table did not reach `min_positions` in time. `behind` are the partitions that are behind,
/// each with its position if the table reads it.
pub(super) fn positions_not_reached(table: &str, behind: &[(i32, Option<i64>)]) -> Status {
    let position = |&(partition, position): &(i32, Option<i64>)| {
        position.map_or(format!("{partition}:-"), |position| format!("{partition}:{position}"))
    };
    let more = if behind.len() > MAX_NAMES { ", ..." } else { "" };
    let positions: Vec<_> = behind.iter().take(MAX_NAMES).map(position).collect();
    let positions = positions.join(", ") + more;
    let message = format!(
        "table {table:?} did not reach min_positions in time, it is at {positions}; retry with a \
         longer deadline"
    );
    let metadata = [("table", table.to_owned()), ("positions", positions)];
    status(Code::DeadlineExceeded, message, ErrorReason::PositionsNotReached, metadata)
}

/// The service is stopping, so the call would wait in vain.
pub(super) fn draining() -> Status {
    let message = "the service is stopping; ask another replica, or retry later".to_owned();
    retryable(Code::Unavailable, message, ErrorReason::Draining, [])
}

/// The deadline of a call whose answer is a stream is over.
pub(super) fn stream_deadline() -> Status {
    let message = "the deadline of the stream is over; call again, or set a later deadline";
    status(Code::DeadlineExceeded, message.into(), ErrorReason::StreamDeadline, [])
}

/// The changes that a watch would send next are overwritten.
pub(super) fn watch_overtaken(table: &str) -> Status {
    let message = format!(
        "the changes of table {table:?} were read more slowly than they were made; watch again with \
         include_current"
    );
    let metadata = [("table", table.to_owned())];
    status(Code::Aborted, message, ErrorReason::WatchOvertaken, metadata)
}

/// A watch cannot go on from where its caller wants.
pub(super) fn watch_position_gone(table: &str) -> Status {
    let message = format!(
        "the changes of table {table:?} after resume_token are overwritten, or the token is of \
         another process; watch again with include_current"
    );
    let metadata = [("table", table.to_owned())];
    status(Code::OutOfRange, message, ErrorReason::WatchPositionGone, metadata)
}

/// As many streams are open as there may be on all connections.
pub(super) fn too_many_streams(max_streams: usize) -> Status {
    let message = format!("{max_streams} calls are open, and that is the most; retry later");
    let metadata = [("max_streams", max_streams.to_string())];
    retryable(Code::ResourceExhausted, message, ErrorReason::TooManyStreams, metadata)
}

/// Some fields of the request break their rules.
pub(super) fn invalid_request(violations: Vec<FieldViolation>) -> Status {
    let rules: Vec<_> =
        violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
    let mut details = details(ErrorReason::InvalidRequest, []);
    details.set_bad_request(violations);
    Status::with_error_details(Code::InvalidArgument, rules.join("; "), details)
}

/// Too many calls wait for this work of an operator, or its turn did not come in time.
pub(super) fn busy(work: &str) -> Status {
    let message = format!("other calls wait for the same work, {work}; retry later");
    let metadata = [("work", work.to_owned())];
    retryable(Code::ResourceExhausted, message, ErrorReason::Busy, metadata)
}

/// The caller may not do what it asks for. It is told the same whatever the reason is: the operator
/// finds that in the statistics and in the log.
pub(super) fn denied(denial: Denial) -> Status {
    match denial {
        Denial::Unauthenticated => {
            let message = "the call has no valid credential; the service's operator finds the \
                           reason in its log";
            status(Code::Unauthenticated, message.into(), ErrorReason::Unauthenticated, [])
        }
        Denial::PermissionDenied => {
            let message = "the caller may not call this method, or not for this table; the \
                           service's operator finds the reason in its log, and can allow it in its \
                           configuration";
            status(Code::PermissionDenied, message.into(), ErrorReason::PermissionDenied, [])
        }
        Denial::ShareExhausted { retry_after } => {
            let message = "the caller has used up its calls or bytes a second; retry later";
            let mut details = details(ErrorReason::ShareExhausted, []);
            details.set_retry_info(Some(retry_after));
            Status::with_error_details(Code::ResourceExhausted, message, details)
        }
    }
}

/// The caller of a stream of lookups has sent more requests than may be unanswered.
pub(super) fn too_many_unanswered(max_unanswered: usize) -> Status {
    let message = format!(
        "more than {max_unanswered} requests are not answered, because the answers are not read or \
         they wait for positions; read answers, and send fewer requests at a time"
    );
    let metadata = [("max_unanswered", max_unanswered.to_string())];
    retryable(Code::ResourceExhausted, message, ErrorReason::TooManyUnanswered, metadata)
}

/// The call was shed for this cause.
pub(super) fn shed(cause: ShedCause) -> Status {
    let (code, reason, message) = match cause {
        ShedCause::PoolFull => (
            Code::ResourceExhausted,
            ErrorReason::BytePoolFull,
            "the byte pool, or this connection's share of it, is full of requests and answers; \
             read answers faster, ask for less, or retry later",
        ),
        ShedCause::MemoryShort => (
            Code::ResourceExhausted,
            ErrorReason::MemoryShort,
            "memory is short, so only small calls are served; retry later, or ask for less",
        ),
        ShedCause::RequestLate => (
            Code::DeadlineExceeded,
            ErrorReason::RequestLate,
            "the request was not complete in time; send a request without a pause",
        ),
        ShedCause::AnswerLate => (
            Code::DeadlineExceeded,
            ErrorReason::AnswerLate,
            "the answer was not read in time; read answers without a pause",
        ),
    };
    match code {
        Code::ResourceExhausted => retryable(code, message.into(), reason, []),
        _ => status(code, message.into(), reason, []),
    }
}

/// A message of the request is larger than its method takes.
pub(super) fn request_too_large(limit_bytes: usize) -> Status {
    let message = format!("the request is over {limit_bytes} bytes; ask for less in one call");
    let metadata = [("limit_bytes", limit_bytes.to_string())];
    status(Code::ResourceExhausted, message, ErrorReason::RequestTooLarge, metadata)
}

/// The request breaks the rules of gRPC, or does not decode.
pub(super) fn malformed(code: Code, message: &str) -> Status {
    status(code, message.to_owned(), ErrorReason::MalformedRequest, [])
}

/// Adds the id of the call to the status in these headers or trailers, which is an error. What is no
/// answer of gRPC has no status, and stays as it is.
pub(super) fn add_request_id(headers: &mut HeaderMap, id: &RequestId) {
    let Some(status) = Status::from_header_map(headers) else { return };
    let mut details = status.get_error_details();
    details.set_request_info(id.to_string(), "");
    let status = Status::with_error_details(status.code(), status.message(), details);
    // It fails for a message that no header can hold, and this one came out of a header.
    let _ = status.add_header(headers);
}

/// As protobuf writes a duration in JSON.
fn seconds(span: Duration) -> String {
    format!("{:.3}s", span.as_secs_f64())
}

fn status<'a>(
    code: Code,
    message: String,
    reason: ErrorReason,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> Status {
    Status::with_error_details(code, message, details(reason, metadata))
}

/// The same, with a `RetryInfo`.
fn retryable<'a>(
    code: Code,
    message: String,
    reason: ErrorReason,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> Status {
    let mut details = details(reason, metadata);
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(code, message, details)
}

fn details<'a>(
    reason: ErrorReason,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> ErrorDetails {
    let metadata: HashMap<_, _> =
        metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    ErrorDetails::with_error_info(reason.as_str_name(), DOMAIN, metadata)
}
