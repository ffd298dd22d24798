//! Requests in short, and what their answers say.

use std::collections::HashMap;
use std::time::SystemTime;

use millpond_client::v1::lookup_result::Outcome;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{
    Entry, ErrorReason, GetRequest, GetResponse, Miss, Origin, PartitionOffset, Value,
};
use prost_types::Timestamp;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::control::Position;

pub(crate) fn get(table: &str, key: &str) -> GetRequest {
    GetRequest { table: table.into(), key: key.into(), ..GetRequest::default() }
}

pub(crate) fn outcome(response: GetResponse) -> Outcome {
    response.result.unwrap().outcome.unwrap()
}

/// The entry that was found.
pub(crate) fn entry(response: GetResponse) -> Entry {
    match outcome(response) {
        Outcome::Entry(entry) => entry,
        Outcome::Miss(miss) => panic!("it should be there: {miss:?}"),
    }
}

/// Why there is no entry.
pub(crate) fn miss(response: GetResponse) -> Miss {
    match outcome(response) {
        Outcome::Miss(miss) => miss,
        Outcome::Entry(entry) => panic!("it should not be there: {entry:?}"),
    }
}

pub(crate) fn text(text: &str) -> Kind {
    Kind::StringValue(text.into())
}

pub(crate) fn fields<const N: usize>(fields: [(&str, Kind); N]) -> HashMap<String, Value> {
    fields.map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) })).into()
}

pub(crate) fn name_of(entry: &Entry) -> Option<&Kind> {
    entry.fields.get("name")?.kind.as_ref()
}

pub(crate) fn position(origin: Option<Origin>) -> Position {
    let origin = origin.unwrap();
    (origin.partition, origin.offset)
}

pub(crate) fn offset((partition, offset): Position) -> PartitionOffset {
    PartitionOffset { partition, offset }
}

pub(crate) fn time(timestamp: Option<Timestamp>) -> SystemTime {
    timestamp.unwrap().try_into().unwrap()
}

/// The reason that the service gives.
pub(crate) fn reason(status: &Status) -> ErrorReason {
    let info = status.get_details_error_info();
    let info = info.unwrap_or_else(|| panic!("the service gives no reason: {status:?}"));
    ErrorReason::from_str_name(&info.reason).expect("a reason of the protocol")
}
