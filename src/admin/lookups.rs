//! Lookups as JSON over HTTP, for callers without gRPC: by the conventions of gRPC transcoding.
//!
//! | route | method |
//! |---|---|
//! | `GET /v1/tables` | `ListTables` |
//! | `GET /v1/tables/TABLE/entries/KEY` | `Get` |
//! | `POST /v1/tables/TABLE/entries:batchGet` | `BatchGet`, with the rest of its request as the body |
//!
//! The caller has the rights that it has by gRPC. Answers are the messages in JSON, and errors a
//! `google.rpc.Status`. Without `admin.lookups` there are no such routes.

use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use prost::Message;
use serde_json::json;

use super::body;
use super::connections::Peer;
use super::method_caller::{MethodCaller, NoAnswer};
use crate::proto::Method;
use crate::proto::v1::{BatchGetRequest, Freshness, GetRequest, ListTablesRequest};
use crate::rpc::CallError;

/// What an answer takes while it becomes JSON, at most. A line of the memory budget.
pub(super) const JSON_BYTES: u64 = 8 << 20;
/// Most keys of a batch. By gRPC there are more.
const MAX_KEYS: usize = 100;
const MAX_BODY_BYTES: usize = 256 << 10;

/// Codes of `google.rpc.Code`.
const INVALID_ARGUMENT: i32 = 3;
const RESOURCE_EXHAUSTED: i32 = 8;
const INTERNAL: i32 = 13;

/// An error as a caller gets it.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: i32,
    reason: Option<String>,
    message: String,
    retry_after: Option<Duration>,
}

/// All routes, or one that says that they are switched off.
pub(super) fn routes(is_on: bool, caller: MethodCaller) -> Router {
    if !is_on {
        return Router::new().route("/v1/{*path}", any(switched_off));
    }
    Router::new()
        .route("/v1/tables", get(list_tables))
        .route("/v1/tables/{table}/entries/{*key}", get(get_entry))
        .route("/v1/tables/{table}/entries:batchGet", post(batch_get))
        .with_state(caller)
}

async fn switched_off() -> Response {
    let text = "lookups over HTTP are switched off: set admin.lookups to true\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

async fn list_tables(
    State(caller): State<MethodCaller>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut request = ListTablesRequest::default();
    for (name, value) in parameters(query.as_deref()) {
        match &*name {
            "pageSize" | "page_size" => request.page_size = parse(&name, &value)?,
            "pageToken" | "page_token" => request.page_token = value,
            _ => return Err(Refusal::unknown(&name, "pageSize and pageToken")),
        }
    }
    answer(&caller, Method::ListTables, (&peer, &headers), &request).await
}

async fn get_entry(
    State(caller): State<MethodCaller>,
    Extension(peer): Extension<Peer>,
    Path((table, key)): Path<(String, String)>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let (mut freshness, mut fields) = (Freshness::default(), Vec::new());
    for (name, value) in parameters(query.as_deref()) {
        match &*name {
            "fields" => fields.push(value),
            "freshness.requireReady" | "freshness.require_ready" => {
                freshness.require_ready = parse(&name, &value)?;
            }
            "freshness.maxStaleness" | "freshness.max_staleness" => {
                freshness.max_staleness = Some(parse(&name, &value)?);
            }
            _ => {
                let known = "fields, freshness.requireReady and freshness.maxStaleness";
                return Err(Refusal::unknown(&name, known));
            }
        }
    }
    let request = GetRequest { table, key, freshness: Some(freshness), fields };
    answer(&caller, Method::Get, (&peer, &headers), &request).await
}

async fn batch_get(
    State(caller): State<MethodCaller>,
    Extension(peer): Extension<Peer>,
    Path(table): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    // A page of somebody else cannot send JSON: a browser would ask first, and gets no permission.
    if headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/json") {
        let message = "send the request as application/json";
        return Err(Refusal {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..Refusal::invalid(message.to_owned())
        });
    }
    let body = body::read(body, MAX_BODY_BYTES).await;
    let body = body.map_err(|refused| Refusal::invalid(refused.to_string()))?;
    let broken = |why| Refusal::invalid(format!("the body is no BatchGetRequest in JSON: {why}"));
    let request = caller.messages().from_json("BatchGetRequest", &body).map_err(broken)?;
    let request = BatchGetRequest::decode(request.as_slice());
    let mut request = request.map_err(|error| broken(error.to_string()))?;
    if !request.table.is_empty() && request.table != table {
        let message = "table: leave it out of the body, since the path has it";
        return Err(Refusal::invalid(message.to_owned()));
    }
    if request.keys.len() > MAX_KEYS {
        let count = request.keys.len();
        let message = format!("keys: must be at most {MAX_KEYS} over HTTP, and there are {count}");
        return Err(Refusal::invalid(message));
    }
    request.table = table;
    answer(&caller, Method::BatchGet, (&peer, &headers), &request).await
}

async fn answer(
    caller: &MethodCaller,
    method: Method,
    from: (&Peer, &HeaderMap),
    request: &impl Message,
) -> Result<Response, Refusal> {
    let json = caller.call(method, from, request.encode_to_vec().into()).await?;
    Ok(in_json(StatusCode::OK, json))
}

fn in_json(status: StatusCode, json: Bytes) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], json).into_response()
}

fn parameters(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

fn parse<T: FromStr>(name: &str, value: &str) -> Result<T, Refusal> {
    let refused = |_| Refusal::invalid(format!("{name}: {value:?} is no such value"));
    value.parse().map_err(refused)
}

impl Refusal {
    fn invalid(message: String) -> Self {
        let (status, code) = (StatusCode::BAD_REQUEST, INVALID_ARGUMENT);
        let reason = Some("ERROR_REASON_INVALID_REQUEST".to_owned());
        Self { status, code, reason, message, retry_after: None }
    }

    fn unknown(name: &str, known: &str) -> Self {
        Self::invalid(format!("{name}: there is no such parameter; there are {known}"))
    }
}

impl From<NoAnswer> for Refusal {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Error(CallError { http_status, code, reason, message, retry_after }) => {
                let status = StatusCode::from_u16(http_status);
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Self { status, code, reason, message, retry_after }
            }
            NoAnswer::Busy(busy) => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: RESOURCE_EXHAUSTED,
                reason: None,
                message: busy.to_string(),
                retry_after: Some(Duration::from_secs(1)),
            },
            NoAnswer::Internal(message) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                code: INTERNAL,
                reason: None,
                message,
                retry_after: None,
            },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, reason, message, retry_after } = self;
        let info = reason.map(|reason| {
            let kind = "type.googleapis.com/google.rpc.ErrorInfo";
            json!({ "@type": kind, "reason": reason, "domain": "millpond" })
        });
        let details: Vec<_> = info.into_iter().collect();
        let text = json!({ "code": code, "message": message, "details": details }).to_string();
        let mut response = in_json(status, text.into());
        if let Some(delay) = retry_after {
            // Whole seconds, and never too early.
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
