//! The head of a request, in memory of its own.
//!
//! h2 hands out headers as slices of its read buffer, so one short header of an open call would
//! hold 16 KiB. And a header list of 8 KiB takes four times that in memory when it has many headers.
//! So a call keeps copies, and of those headers only that something reads.

use tonic::codegen::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{HeaderMap, Method, Request, Uri};

/// The headers that something reads.
const KEPT: [HeaderName; 5] = [
    CONTENT_TYPE,
    TE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// The same request with its head copied.
pub(super) fn own_head<B>(request: Request<B>) -> Request<B> {
    let (head, body) = request.into_parts();
    let mut owned = Request::new(body);
    *owned.version_mut() = head.version;
    *owned.method_mut() = own_method(&head.method);
    *owned.uri_mut() = path(&head.uri).map(Uri::from).unwrap_or_default();
    *owned.headers_mut() = own_headers(&head.headers);
    owned
}

/// A method that HTTP does not define is held by reference.
fn own_method(method: &Method) -> Method {
    if *method == Method::POST { Method::POST } else { Method::GET }
}

fn path(uri: &Uri) -> Option<PathAndQuery> {
    // Parsing text copies it.
    uri.path().parse().ok()
}

fn own_headers(headers: &HeaderMap) -> HeaderMap {
    let mut owned = HeaderMap::with_capacity(KEPT.len());
    for name in KEPT {
        let value = headers.get(&name).and_then(own_value);
        value.map(|value| owned.insert(name, value));
    }
    owned
}

fn own_value(value: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).ok()
}
