//! `/log-filter`: shows which messages are logged, and changes that until the process ends.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::body;
use super::token::ChangeToken;
use crate::telemetry::LogFilter;

/// More than any filter has.
const MAX_BYTES: usize = 4 << 10;

#[derive(Clone)]
struct Control {
    filter: LogFilter,
    token: ChangeToken,
}

/// The routes. None without a log of our own.
pub(super) fn routes(filter: Option<LogFilter>, token: ChangeToken) -> Router {
    let Some(filter) = filter else { return Router::new() };
    let methods = get(show).put(set).post(set);
    Router::new().route("/log-filter", methods).with_state(Control { filter, token })
}

async fn show(State(Control { filter, .. }): State<Control>) -> String {
    let (current, configured) = (filter.current(), filter.configured());
    if current == configured {
        format!("{current}\n")
    } else {
        format!("{current}\n# until the process ends; log.filter is {configured}\n")
    }
}

async fn set(
    State(Control { filter, token }): State<Control>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(refusal) = token.check(&headers) {
        return refusal.into_response();
    }
    let bytes = match body::read(body, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused.into_response(),
    };
    let directives = String::from_utf8_lossy(&bytes);
    match filter.set(directives.trim()) {
        Ok(()) => format!("{}\n", filter.current()).into_response(),
        Err(why) => {
            let cure =
                "write a level such as \"info\" or directives such as \"warn,millpond=debug\"";
            (StatusCode::BAD_REQUEST, format!("{why}; {cure}\n")).into_response()
        }
    }
}
