//! Errors as callers see them: a status with a reason from the published enum.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::demands::State;
use crate::proto::server::ErrorReason;

const DOMAIN: &str = "millpond";
/// No table has a longer name; of a key it tells enough.
const MAX_NAME_CHARS: usize = 64;
const MAX_NAMES: usize = 10;
/// When to ask again for what is not there yet.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// No table has that name; `tables` are those there are.
pub(super) fn table_not_found(table: &str, tables: &[&str]) -> Status {
    // Details travel in a header, and clients take only so much of one.
    let table: String = table.chars().take(MAX_NAME_CHARS).collect();
    let more = if tables.len() > MAX_NAMES { ", ..." } else { "" };
    let tables = tables[..tables.len().min(MAX_NAMES)].join(", ") + more;
    let message = format!("no table is called {table:?}; there are: {tables}");
    let metadata = [("table", table), ("tables", tables)];
    status(Code::NotFound, message, ErrorReason::TableNotFound, metadata, Vec::new())
}

/// The table has no live entry under the key, where the call is about one.
pub(super) fn entry_not_found(table: &str, key: &str) -> Status {
    let key: String = key.chars().take(MAX_NAME_CHARS).collect();
    let message = format!("table {table:?} has no live entry under {key:?}");
    let metadata = [("table", table.to_owned()), ("key", key)];
    status(Code::NotFound, message, ErrorReason::EntryNotFound, metadata, Vec::new())
}

/// The call requires a table that has caught up, and this one is loading.
pub(super) fn table_loading(table: &str) -> Status {
    let message = format!("table {table:?} has not caught up with its stream yet; ask again");
    let metadata = [("table", table.to_owned())];
    let mut details = details(ErrorReason::TableLoading, metadata);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// The table is staler than the call takes.
pub(super) fn table_stale(table: &str, state: State, max_staleness: Duration) -> Status {
    let State { is_ready, staleness } = state;
    let max_staleness = seconds(max_staleness);
    let was = staleness.map_or("was never known to be complete".into(), |staleness| {
        format!("was last known to be complete {} ago", seconds(staleness))
    });
    let message = format!("table {table:?} {was}, and the call takes at most {max_staleness}");
    let metadata = [
        ("table", table.to_owned()),
        ("ready", is_ready.to_string()),
        ("max_staleness", max_staleness),
    ];
    let staleness = staleness.map(|staleness| ("staleness", seconds(staleness)));
    let details = details(ErrorReason::TableStale, metadata.into_iter().chain(staleness));
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

/// The table has not handled what the call waited for: the partitions that are behind, and
/// their positions where they are read.
pub(super) fn positions_not_reached(table: &str, missed: &[(i32, Option<i64>)]) -> Status {
    let position = |&(partition, position): &(i32, Option<i64>)| {
        position.map_or(format!("{partition}:-"), |position| format!("{partition}:{position}"))
    };
    let more = if missed.len() > MAX_NAMES { ", ..." } else { "" };
    let positions: Vec<_> = missed.iter().take(MAX_NAMES).map(position).collect();
    let positions = positions.join(", ") + more;
    let message = format!(
        "table {table:?} has not handled min_positions in time, it is at {positions}; ask again \
         with more time"
    );
    let metadata = [("table", table.to_owned()), ("positions", positions)];
    let reason = ErrorReason::PositionsNotReached;
    status(Code::DeadlineExceeded, message, reason, metadata, Vec::new())
}

/// The service is stopping and what the call waits for will not come.
pub(super) fn draining() -> Status {
    let message = "the service is stopping; ask another replica, or when it is back".to_owned();
    let mut details = details(ErrorReason::Draining, []);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// As protobuf writes a duration in JSON.
fn seconds(span: Duration) -> String {
    format!("{:.3}s", span.as_secs_f64())
}

/// Some fields of the request break their rules.
pub(super) fn invalid_request(violations: Vec<FieldViolation>) -> Status {
    let broken: Vec<_> =
        violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
    let message = broken.join("; ");
    status(Code::InvalidArgument, message, ErrorReason::InvalidRequest, [], violations)
}

/// The answer would be over `limit_bytes`; only the first `fitting_keys` fit.
pub(super) fn answer_too_large(limit_bytes: usize, fitting_keys: usize) -> Status {
    let message = format!(
        "the answer is over {limit_bytes} bytes; the first {fitting_keys} keys fit, \
         ask for the rest in another call"
    );
    let metadata =
        [("limit_bytes", limit_bytes.to_string()), ("fitting_keys", fitting_keys.to_string())];
    let reason = ErrorReason::AnswerTooLarge;
    status(Code::ResourceExhausted, message, reason, metadata, Vec::new())
}

/// Answers on their way to slow callers left no room for this one in time.
pub(super) fn no_room() -> Status {
    let message = "there was no room for the answer: others are taken slowly by their callers; ask \
                   again, or for less";
    let mut details = details(ErrorReason::NoRoom, []);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

fn status<const N: usize>(
    code: Code,
    message: String,
    reason: ErrorReason,
    metadata: [(&str, String); N],
    violations: Vec<FieldViolation>,
) -> Status {
    let mut details = details(reason, metadata);
    if !violations.is_empty() {
        details.set_bad_request(violations);
    }
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
