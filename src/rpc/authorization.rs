//! Asks `access` who makes a call and whether it may: first by its headers, then by its request.
//!
//! Owns which tables each request is about, and which paths are exempt. What a caller may do is not
//! known here.

use tonic::Status;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderMap, HeaderValue};

use super::errors;
use super::lookup_request::{KeyField, LookupRequest};
use super::scan::ScanRequest;
use super::table_watch::WatchRequest;
use crate::access::{Caller, Denial, PeerAccess, Scope, Target};
use crate::proto::Method;
use crate::proto::v1::{
    DescribeEntryRequest, GetStatsRequest, ListLargestEntriesRequest, ListRejectionsRequest,
    ListTablesRequest, ReclaimRequest, WatchStatsRequest,
};
use crate::request_id::RequestId;

const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: [&str; 2] =
    ["/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// What answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Everybody may ask for the health.
    Health,
    Other(Target),
}

/// A request that says which tables it is about. Each request has to, so that none is answered to
/// somebody who may not have it.
pub(super) trait AboutTables {
    fn scope(&self) -> Scope<'_>;

    /// How many keys it looks up.
    fn key_count(&self) -> usize {
        0
    }
}

impl Service {
    /// What is at this path.
    pub(super) fn at(path: &str) -> Self {
        if let Some(method) = Method::find(path) {
            Self::Other(Target::Method(method))
        } else if path.starts_with(HEALTH) {
            Self::Health
        } else if REFLECTION.iter().any(|service| path.starts_with(service)) {
            Self::Other(Target::Reflection)
        } else {
            Self::Other(Target::Unknown)
        }
    }

    /// The method, if it is one of ours.
    pub(super) fn method(self) -> Option<Method> {
        match self {
            Self::Other(Target::Method(method)) => Some(method),
            Self::Health | Self::Other(_) => None,
        }
    }
}

/// Who makes a call with these headers. What is not ours is decided here, before it is read.
pub(super) fn admit(
    peer: &PeerAccess,
    id: &RequestId,
    service: Service,
    headers: &HeaderMap,
) -> Result<Caller, Denial> {
    let credentials = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let target = match service {
        Service::Health => return Ok(peer.recognise(id, credentials)),
        Service::Other(target) => target,
    };
    let caller = peer.admit(id, target, credentials)?;
    if !matches!(target, Target::Method(_)) {
        caller.authorize(Scope::AllTables)?;
    }
    Ok(caller)
}

/// Whether the caller may have the answer to a request.
pub(super) fn authorize(caller: &Caller, request: &impl AboutTables) -> Result<(), Status> {
    caller.authorize(request.scope()).map_err(errors::denied)
}

impl<K: KeyField> AboutTables for LookupRequest<K> {
    fn scope(&self) -> Scope<'_> {
        Scope::Table(&self.table)
    }

    fn key_count(&self) -> usize {
        self.key.key_count()
    }
}

impl AboutTables for ScanRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::Table(self.table())
    }
}

impl AboutTables for WatchRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::Table(self.table())
    }
}

impl AboutTables for ListTablesRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::VisibleTables
    }
}

impl AboutTables for GetStatsRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::AllTables
    }
}

impl AboutTables for WatchStatsRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::AllTables
    }
}

impl AboutTables for ReclaimRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::AllTables
    }
}

impl AboutTables for DescribeEntryRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::Table(&self.table)
    }

    fn key_count(&self) -> usize {
        1
    }
}

impl AboutTables for ListLargestEntriesRequest {
    fn scope(&self) -> Scope<'_> {
        Scope::Table(&self.table)
    }
}

impl AboutTables for ListRejectionsRequest {
    fn scope(&self) -> Scope<'_> {
        if self.table.is_empty() { Scope::AllTables } else { Scope::Table(&self.table) }
    }
}
