//! The methods of our services: their paths, the size of their requests, and where each is.
//!
//! The build script lists the methods, so a method of the protocol that has no arm here does not
//! compile. What a method does is not known here.

use prost::Message;
use tonic::{Code, Status};

use super::call::Call;
use super::errors;
use super::lookup::Lookup;
use super::lookup_request::{KeyField, LookupRequest};
use super::maintenance::Maintenance;
use super::pool::Permit;
use super::request::RequestMessage;
use super::response::FinishedResponse;
use super::stats::Stats;
use super::texts::Texts;
use crate::proto::v1::{GetStatsRequest, ReclaimRequest};

// The list of methods, which the build script makes from the protocol.
include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The services that the methods belong to.
pub(super) struct Methods {
    pub(super) lookup: Lookup,
    pub(super) stats: Stats,
    pub(super) maintenance: Maintenance,
}

/// Room for what has no fields yet.
const SMALL_REQUEST_BYTES: usize = 4 << 10;
/// Room for the longest key, of 64 KiB, and for a thousand positions.
const ONE_KEY_BYTES: usize = 96 << 10;
/// Room for a page token, which may name a key.
const PAGE_BYTES: usize = 128 << 10;

impl Method {
    /// The largest request, where one connection may hold `connection_bytes`.
    pub(super) fn max_request_bytes(self, connection_bytes: usize) -> usize {
        match self {
            Self::Get | Self::DescribeEntry => ONE_KEY_BYTES,
            Self::BatchGet => connection_bytes,
            Self::ListTables | Self::ListLargestEntries | Self::ListRejections => PAGE_BYTES,
            Self::GetStats | Self::Reclaim => SMALL_REQUEST_BYTES,
        }
    }
}

impl Methods {
    pub(super) async fn call(
        &self,
        method: Method,
        call: &Call,
        request: RequestMessage,
    ) -> Result<FinishedResponse, Status> {
        let Self { lookup, stats, maintenance } = self;
        match method {
            Method::Get => {
                let (request, _held) = decode_lookup::<String>(request)?;
                lookup.get(call, request).await
            }
            Method::BatchGet => {
                let (request, _held) = decode_lookup::<Texts>(request)?;
                lookup.batch_get(call, request).await
            }
            Method::ListTables => lookup.list_tables(call, &decode(request)?.0),
            Method::GetStats => {
                decode::<GetStatsRequest>(request)?;
                stats.get_stats(call).await
            }
            Method::Reclaim => {
                decode::<ReclaimRequest>(request)?;
                maintenance.reclaim(call).await
            }
            Method::DescribeEntry => {
                let (request, _held) = decode(request)?;
                maintenance.describe_entry(call, request).await
            }
            Method::ListLargestEntries => {
                let (request, _held) = decode(request)?;
                maintenance.list_largest_entries(call, request).await
            }
            Method::ListRejections => maintenance.list_rejections(call, &decode(request)?.0),
        }
    }
}

/// The request, and what it holds of the pool until the call ends. Decoded text takes no more than
/// its message does.
fn decode<M: Message + Default>(request: RequestMessage) -> Result<(M, Permit), Status> {
    let RequestMessage { bytes, permit } = request;
    let decoded = M::decode(bytes);
    let decoded = decoded.map_err(|error| errors::malformed(Code::Internal, &error.to_string()))?;
    Ok((decoded, permit))
}

/// The same for a lookup, whose keys and positions may take more than their message does.
fn decode_lookup<K: KeyField>(
    request: RequestMessage,
) -> Result<(LookupRequest<K>, Permit), Status> {
    let (decoded, mut permit) = decode::<LookupRequest<K>>(request)?;
    let held_bytes = decoded.held_bytes();
    permit.shrink_to(held_bytes);
    let grown = permit.grow_to(held_bytes);
    grown.map_err(|cause| permit.share().shed_call(cause))?;
    Ok((decoded, permit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_at_its_whole_path_only() {
        assert_eq!(Method::find("/millpond.v1.LookupService/Get"), Some(Method::Get));
        assert_eq!(Method::find("/millpond.v1.StatsService/Get"), None);
        assert_eq!(Method::find("/millpond.v1.LookupService/Nothing"), None);
    }
}
