//! The methods of our services: the size of their requests, and where each is.
//!
//! The build script lists the methods, so a method of the protocol that has no arm here does not
//! compile. A request is decoded only for a caller who may have its answer. What a method does is not
//! known here.

use prost::Message;
use tonic::{Code, Status};

use super::authorization::{self, AboutTables};
use super::call::Call;
use super::errors;
use super::fresh_tables::FreshTables;
use super::lookup::Lookup;
use super::lookup_request::LookupRequest;
use super::maintenance::Maintenance;
use super::pool::Permit;
use super::request::RequestMessage;
use super::response::FinishedResponse;
use super::scan::{Scan, ScanRequest, Walks};
use super::stats::Stats;
use super::streamed::MessageSource;
use super::table_watch::{Watch, WatchRequest};
use super::texts::Texts;
use crate::access::Scope;
use crate::proto::Method;
use crate::proto::v1::{GetStatsRequest, ReclaimRequest, WatchStatsRequest};

/// The services that the methods belong to.
pub(super) struct Methods {
    pub(super) lookup: Lookup,
    pub(super) stats: Stats,
    pub(super) maintenance: Maintenance,
    /// For the methods whose answers are streams of entries.
    pub(super) tables: FreshTables,
    pub(super) walks: Walks,
}

/// Room for what has few fields.
const SMALL_REQUEST_BYTES: usize = 4 << 10;
/// Room for the longest key, of 64 KiB, and for a thousand positions.
const ONE_KEY_BYTES: usize = 96 << 10;
/// Room for a page token, which may name a key.
const PAGE_BYTES: usize = 128 << 10;

/// The largest request of a method, where one connection may hold `connection_bytes`.
pub(super) fn max_request_bytes(method: Method, connection_bytes: usize) -> usize {
    match method {
        Method::Get | Method::StreamGet | Method::DescribeEntry => ONE_KEY_BYTES,
        Method::BatchGet | Method::Watch => connection_bytes,
        Method::Scan | Method::ListTables | Method::ListLargestEntries | Method::ListRejections => {
            PAGE_BYTES
        }
        Method::GetStats | Method::WatchStats | Method::Reclaim => SMALL_REQUEST_BYTES,
    }
}

/// The answer of a method.
pub(super) enum Answered {
    Message(FinishedResponse),
    /// What makes the messages of a stream.
    Stream(Box<dyn MessageSource>),
}

impl Answered {
    /// The size of the message. Nothing is known of a stream yet.
    pub(super) fn message_bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.total_bytes(),
            Self::Stream(_) => 0,
        }
    }
}

impl Methods {
    pub(super) async fn call(
        &self,
        method: Method,
        call: &Call,
        request: RequestMessage,
    ) -> Result<Answered, Status> {
        let Self { lookup, stats, maintenance, .. } = self;
        let message = match method {
            Method::StreamGet | Method::Scan | Method::Watch | Method::WatchStats => {
                return self.open(method, call, request).await.map(Answered::Stream);
            }
            Method::Get => {
                let held_bytes = LookupRequest::<String>::held_bytes;
                let (request, _held) = decode_holding(call, request, held_bytes)?;
                lookup.get(call, request).await
            }
            Method::BatchGet => {
                let held_bytes = LookupRequest::<Texts>::held_bytes;
                let (request, _held) = decode_holding(call, request, held_bytes)?;
                lookup.batch_get(call, request).await
            }
            Method::ListTables => lookup.list_tables(call, &decode(call, request)?.0),
            Method::GetStats => {
                decode::<GetStatsRequest>(call, request)?;
                stats.get_stats(call).await
            }
            Method::Reclaim => {
                decode::<ReclaimRequest>(call, request)?;
                maintenance.reclaim(call).await
            }
            Method::DescribeEntry => {
                let (request, _held) = decode(call, request)?;
                maintenance.describe_entry(call, request).await
            }
            Method::ListLargestEntries => {
                let (request, _held) = decode(call, request)?;
                maintenance.list_largest_entries(call, request).await
            }
            Method::ListRejections => maintenance.list_rejections(call, &decode(call, request)?.0),
        };
        message.map(Answered::Message)
    }

    /// Opens the stream that answers one request.
    async fn open(
        &self,
        method: Method,
        call: &Call,
        request: RequestMessage,
    ) -> Result<Box<dyn MessageSource>, Status> {
        let Self { stats, tables, walks, .. } = self;
        match method {
            Method::Scan => {
                let held = decode_holding(call, request, ScanRequest::held_bytes)?;
                Ok(Box::new(Scan::begin(tables, walks, call, held).await?))
            }
            Method::Watch => {
                let held = decode_holding(call, request, WatchRequest::held_bytes)?;
                Ok(Box::new(Watch::begin(tables, walks, call, held).await?))
            }
            Method::WatchStats => {
                let (request, _held) = decode::<WatchStatsRequest>(call, request)?;
                Ok(Box::new(stats.watch_stats(&request)))
            }
            _ => {
                let message = format!("{} takes a stream of requests", method.name());
                Err(errors::malformed(Code::Unimplemented, &message))
            }
        }
    }
}

/// The request, if its caller may have the answer, and what it holds of the pool until the call ends.
/// Decoded text takes no more than its message does.
fn decode<M: Message + Default + AboutTables>(
    call: &Call,
    request: RequestMessage,
) -> Result<(M, Permit), Status> {
    let RequestMessage { bytes, permit } = request;
    let decoded = M::decode(bytes);
    let decoded = decoded.map_err(|error| errors::malformed(Code::Internal, &error.to_string()))?;
    let table = match decoded.scope() {
        Scope::Table(table) => Some(table),
        Scope::AllTables | Scope::VisibleTables => None,
    };
    call.note_about(table, decoded.key_count());
    authorization::authorize(call.caller(), &decoded)?;
    Ok((decoded, permit))
}

/// The same for a request that may take more than its message does: so many bytes.
fn decode_holding<M: Message + Default + AboutTables>(
    call: &Call,
    request: RequestMessage,
    held_bytes: fn(&M) -> usize,
) -> Result<(M, Permit), Status> {
    let (decoded, mut permit) = decode::<M>(call, request)?;
    let held_bytes = held_bytes(&decoded);
    permit.shrink_to(held_bytes);
    let grown = permit.grow_to(held_bytes);
    grown.map_err(|cause| permit.share().shed_call(cause))?;
    Ok((decoded, permit))
}
