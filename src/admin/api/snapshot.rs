//! `GET /api/snapshot`: the snapshot in the JSON of `GetStatsResponse`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use prost::Message;

use super::response::{internal, json};
use crate::admin::answers::Answers;
use crate::admin::messages::JsonMessages;
use crate::admin::scrapes::Scrapes;
use crate::proto::v1::GetStatsResponse;
use crate::stats::Snapshot;

#[derive(Clone)]
struct Encoder {
    scrapes: Scrapes,
    messages: JsonMessages,
    answers: Answers,
    /// The last snapshot that was encoded.
    last: Arc<Mutex<Option<Encoded>>>,
}

/// A snapshot, and what it is in JSON.
type Encoded = (Arc<Snapshot>, Bytes);

/// The route.
pub(super) fn routes(scrapes: Scrapes, messages: JsonMessages, answers: Answers) -> Router {
    let encoder = Encoder { scrapes, messages, answers, last: Arc::default() };
    Router::new().route("/api/snapshot", get(snapshot)).with_state(encoder)
}

async fn snapshot(State(encoder): State<Encoder>) -> Response {
    let snapshot = encoder.scrapes.current().await;
    match encoder.encode(snapshot) {
        Ok(bytes) => json(bytes),
        Err(response) => *response,
    }
}

impl Encoder {
    /// The snapshot in JSON, encoded once for all who get it.
    fn encode(&self, snapshot: Arc<Snapshot>) -> Result<Bytes, Box<Response>> {
        let mut last = self.last.lock();
        if let Some((encoded, bytes)) = &*last
            && Arc::ptr_eq(encoded, &snapshot)
        {
            return Ok(bytes.clone());
        }
        // Its bytes are given back before others are taken.
        *last = None;
        let response = GetStatsResponse::from(Snapshot::clone(&snapshot));
        let json = self.messages.to_json("GetStatsResponse", &response.encode_to_vec());
        let json = json.map_err(|why| Box::new(internal(why)))?;
        let bytes = self.answers.hold(json).map_err(|busy| Box::new(busy.into_response()))?;
        *last = Some((snapshot, bytes.clone()));
        Ok(bytes)
    }
}
