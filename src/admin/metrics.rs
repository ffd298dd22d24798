//! `/metrics`: the metrics of the service, for whoever scrapes them.
//!
//! A text is written once for all scrapes that get the same snapshot, so scraping costs the same
//! however often it is done. A peer that reads slowly holds its text. So only so many texts exist at a
//! time, and a scrape that would need one more is refused. What is in a text is not known here.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::scrapes::Scrapes;
use crate::stats::Snapshot;
use crate::telemetry::metrics::{Format, exposition};

/// Texts that exist at once: the newest of each format, and two that slow peers are still reading.
const MAX_TEXTS: usize = 4;

/// The route.
pub(super) fn routes(scrapes: Scrapes) -> Router {
    let texts = Texts { newest: Mutex::default(), places: Arc::new(Semaphore::new(MAX_TEXTS)) };
    let state = Metrics { scrapes, texts: Arc::new(texts) };
    Router::new().route("/metrics", get(metrics)).with_state(state)
}

#[derive(Clone)]
struct Metrics {
    scrapes: Scrapes,
    texts: Arc<Texts>,
}

/// The newest text of each format, and the places of all texts.
struct Texts {
    newest: Mutex<[Option<Text>; 2]>,
    places: Arc<Semaphore>,
}

/// A text, and the snapshot that it shows.
#[derive(Clone)]
struct Text {
    snapshot: Arc<Snapshot>,
    bytes: Bytes,
}

/// Owns the memory of a text. Its place is free when the last peer has read it.
struct PlacedText {
    text: String,
    _place: OwnedSemaphorePermit,
}

async fn metrics(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::accepted(accept);
    let snapshot = metrics.scrapes.current().await;
    let Some(bytes) = metrics.texts.of(snapshot, format) else {
        let why = "earlier scrapes are still being read; read them faster, or retry later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], why).into_response();
    };
    let head = [(CONTENT_TYPE, format.content_type()), (VARY, "accept")];
    (head, Body::from(bytes)).into_response()
}

impl Texts {
    /// The text of this snapshot. None if there is no place for one more.
    fn of(&self, snapshot: Arc<Snapshot>, format: Format) -> Option<Bytes> {
        let mut newest = self.newest.lock();
        let newest = &mut newest[format as usize];
        let same = newest.as_ref().filter(|text| Arc::ptr_eq(&text.snapshot, &snapshot));
        if let Some(text) = same {
            return Some(text.bytes.clone());
        }
        // Its place is free at once if nobody reads it.
        *newest = None;
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let text = exposition(&snapshot, format).ok()?;
        let bytes = Bytes::from_owner(PlacedText { text, _place: place });
        *newest = Some(Text { snapshot, bytes: bytes.clone() });
        Some(bytes)
    }
}

impl AsRef<[u8]> for PlacedText {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        Texts { newest: Mutex::default(), places: Arc::new(Semaphore::new(MAX_TEXTS)) }
    }

    #[test]
    fn scrapes_of_one_snapshot_share_one_text() {
        let (texts, snapshot) = (texts(), Arc::new(Snapshot::example()));
        let of = |format| texts.of(Arc::clone(&snapshot), format).unwrap();
        let one = of(Format::Prometheus);
        assert_eq!(one.as_ptr(), of(Format::Prometheus).as_ptr());
        assert_ne!(one, of(Format::OpenMetrics));
        assert_eq!(texts.places.available_permits(), MAX_TEXTS - 2);
    }

    #[test]
    fn texts_that_are_still_read_leave_no_place_for_more() {
        let texts = texts();
        let next = || texts.of(Arc::new(Snapshot::example()), Format::Prometheus);
        let mut read: Vec<_> = (0..MAX_TEXTS).map(|_| next().unwrap()).collect();
        assert!(next().is_none());
        read.pop();
        assert!(next().is_some(), "one was read to its end");
        assert!(next().is_some(), "nobody reads the last one");
    }
}
