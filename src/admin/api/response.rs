//! The answers that all routes have in common.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// An answer in JSON.
pub(super) fn json(bytes: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// Something failed that cannot fail.
pub(super) fn internal(why: String) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, why + "\n").into_response()
}
