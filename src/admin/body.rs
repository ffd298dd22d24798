//! Reads the body of a request: small, and in time.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

/// The time to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is larger than this many bytes, or broke off.
    TooLarge(usize),
    /// It did not come in time.
    Late,
}

/// The whole body, of at most `limit_bytes`.
///
/// # Errors
///
/// When it is larger, or does not come in time.
pub(super) async fn read(body: Body, limit_bytes: usize) -> Result<Bytes, Refused> {
    let read = timeout(BODY_TIMEOUT, to_bytes(body, limit_bytes)).await;
    read.map_err(|_| Refused::Late)?.map_err(|_| Refused::TooLarge(limit_bytes))
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit_bytes) => {
                write!(f, "the body is over {limit_bytes} bytes, or broke off")
            }
            Self::Late => f.write_str("the body did not come in time"),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
        };
        (status, format!("{self}\n")).into_response()
    }
}
