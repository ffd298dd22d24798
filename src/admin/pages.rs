//! The dashboard: the files of its page, which are in the binary.
//!
//! A browser keeps them and asks each time whether they are still the same. What they show, they ask
//! for in JSON.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// A file: its path, its type, and its bytes.
type File = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 17] = [
    ("/", HTML, include_bytes!("page/index.html")),
    ("/assets/icon.svg", IMAGE, include_bytes!("page/icon.svg")),
    ("/assets/page.css", CSS, include_bytes!("page/page.css")),
    ("/assets/page.js", SCRIPT, include_bytes!("page/page.js")),
    ("/assets/api.js", SCRIPT, include_bytes!("page/api.js")),
    ("/assets/chart.js", SCRIPT, include_bytes!("page/chart.js")),
    ("/assets/charts.js", SCRIPT, include_bytes!("page/charts.js")),
    ("/assets/colours.js", SCRIPT, include_bytes!("page/colours.js")),
    ("/assets/elements.js", SCRIPT, include_bytes!("page/elements.js")),
    ("/assets/lists.js", SCRIPT, include_bytes!("page/lists.js")),
    ("/assets/lookup.js", SCRIPT, include_bytes!("page/lookup.js")),
    ("/assets/overview.js", SCRIPT, include_bytes!("page/overview.js")),
    ("/assets/past.js", SCRIPT, include_bytes!("page/past.js")),
    ("/assets/profiles.js", SCRIPT, include_bytes!("page/profiles.js")),
    ("/assets/units.js", SCRIPT, include_bytes!("page/units.js")),
    ("/assets/uplot.js", SCRIPT, include_bytes!("page/uplot/uPlot.iife.min.js")),
    ("/assets/uplot.css", CSS, include_bytes!("page/uplot/uPlot.min.css")),
];

/// A route for each file.
pub(super) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |routes, file| {
        let etag = etag(file.2);
        routes.route(file.0, get(async move |headers: HeaderMap| answer(file, &etag, &headers)))
    })
}

fn answer((_, content_type, bytes): File, etag: &str, headers: &HeaderMap) -> Response {
    let kept = [(CACHE_CONTROL, "no-cache"), (ETAG, etag)];
    if headers.get(IF_NONE_MATCH).is_some_and(|found| found == etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(CONTENT_TYPE, content_type)], bytes).into_response()
}

fn etag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digest = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("\"{digest:016x}\"")
}
