//! The methods of our services: their paths, the size of their requests, and where each is.
//!
//! A test compares the list with the protocol, so that no method is forgotten. What a method does
//! is not known here.

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

/// A method of one of our services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    BatchGet,
    ListTables,
    GetStats,
    Reclaim,
    DescribeEntry,
    ListLargestEntries,
    ListRejections,
}

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
    /// The method at this path.
    pub(super) fn find(path: &str) -> Option<Self> {
        Some(match path {
            "/millpond.v1.LookupService/Get" => Self::Get,
            "/millpond.v1.LookupService/BatchGet" => Self::BatchGet,
            "/millpond.v1.LookupService/ListTables" => Self::ListTables,
            "/millpond.v1.StatsService/GetStats" => Self::GetStats,
            "/millpond.v1.MaintenanceService/Reclaim" => Self::Reclaim,
            "/millpond.v1.MaintenanceService/DescribeEntry" => Self::DescribeEntry,
            "/millpond.v1.MaintenanceService/ListLargestEntries" => Self::ListLargestEntries,
            "/millpond.v1.MaintenanceService/ListRejections" => Self::ListRejections,
            _ => return None,
        })
    }

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
    use prost_reflect::{DescriptorPool, ServiceDescriptor};

    use super::*;
    use crate::proto::FILE_DESCRIPTOR_SET;

    #[test]
    fn each_method_of_the_protocol_is_found_at_its_path() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let is_ours = |service: &ServiceDescriptor| service.package_name() == "millpond.v1";
        let services: Vec<_> = pool.services().filter(is_ours).collect();
        assert!(services.iter().any(|service| service.full_name() == "millpond.v1.LookupService"));
        let mut found = Vec::new();
        for method in services.iter().flat_map(ServiceDescriptor::methods) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let method = Method::find(&path);
            assert!(method.is_some(), "{path} has no method");
            assert!(!found.contains(&method), "{path} is the method of another path");
            found.push(method);
        }
        assert_eq!(Method::find("/millpond.v1.LookupService/Nothing"), None);
    }
}
