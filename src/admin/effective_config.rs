//! `/config`: the effective configuration, as `millpond check` prints it. Secrets are hidden in it.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

/// The routes. `effective` is the text.
pub(super) fn routes(effective: Arc<str>) -> Router {
    Router::new().route("/config", get(async move || String::from(&*effective)))
}
