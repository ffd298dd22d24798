//! What the dashboard asks for, in JSON.
//!
//! | route | what it answers |
//! |---|---|
//! | `GET /api/layout` | what the values of the history are, and whose service it is |
//! | `GET /api/snapshot` | the snapshot, as `GetStats` answers it |
//! | `GET /api/history` | a part of the history, and the marks |
//! | `POST /api/call/METHOD` | a method of the gRPC port that shows keys or values, with its rights |
//!
//! What is encoded is shared by all who ask within a quarter of a second, so a hundred open pages
//! cost what one does.

mod call;
mod history;
mod layout;
mod response;
mod snapshot;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::answers::Answers;
use super::method_caller::MethodCaller;
use super::service::Service;

/// All routes.
pub(super) fn routes(service: &Service, caller: &MethodCaller, answers: &Answers) -> Router {
    let messages = caller.messages();
    let routes = Router::new()
        .merge(layout::routes(service))
        .merge(snapshot::routes(service.scrapes.clone(), messages.clone(), answers.clone()))
        .merge(call::routes(caller));
    let history = service.history.as_ref();
    let history = history.map(|past| history::routes(past.clone(), answers.clone()));
    routes.merge(history.unwrap_or_else(|| Router::new().route("/api/history", get(no_history))))
}

async fn no_history() -> Response {
    let text = "no history is kept: set admin.history to true\n";
    (StatusCode::NOT_FOUND, text).into_response()
}
