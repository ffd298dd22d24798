//! The calls that peers make: their paths, headers and bodies.
//!
//! It alone of the peers knows the messages of the protocol.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Uri};
use millpond_client::health::HealthCheckRequest;
use millpond_client::v1::{
    BatchGetRequest, Freshness, GetRequest, GetStatsRequest, ListLargestEntriesRequest,
    PartitionOffset, ReclaimRequest, ScanRequest, StreamGetRequest, WatchRequest,
    WatchStatsRequest,
};
use prost::Message;

use crate::entries::{TABLE, recent_keys};

/// The largest message that gRPC services take by default.
pub(crate) const LARGEST_MESSAGE_BYTES: usize = 4 << 20;
/// The keys of the largest batch.
const MOST_KEYS: u64 = 1_000;
/// No record ever has this offset.
const FAR_AHEAD: i64 = 1 << 60;

const GET: &str = "/millpond.v1.LookupService/Get";
pub(crate) const BATCH_GET: &str = "/millpond.v1.LookupService/BatchGet";
const GET_STATS: &str = "/millpond.v1.StatsService/GetStats";

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    path: String,
    pub(crate) body: Bytes,
    encoding: Option<&'static str>,
}

impl Call {
    fn new(path: impl Into<String>, message: &impl Message) -> Self {
        Self::of_bytes(path, &message.encode_to_vec())
    }

    fn of_bytes(path: impl Into<String>, message: &[u8]) -> Self {
        let body = [&head(0, message.len())[..], message].concat().into();
        Self { path: path.into(), body, encoding: None }
    }

    pub(crate) fn uri(&self) -> Uri {
        let uri = Uri::builder().scheme("http").authority("localhost");
        uri.path_and_query(self.path.as_str()).build().unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.extend(self.encoding.map(|name| {
            (http::header::HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(name))
        }));
        headers
    }
}

/// Looks up one recent key. `end` is the number of records in the stream.
pub(crate) fn get(end: u64) -> Call {
    let key = recent_keys(end, 1).pop().unwrap_or_default();
    Call::new(GET, &GetRequest { table: TABLE.into(), key, ..Default::default() })
}

/// Looks up recent keys on one stream, one after the other, so many times.
pub(crate) fn stream_get(end: u64, lookups: u16) -> Call {
    let key = recent_keys(end, 1).pop().unwrap_or_default();
    let get = GetRequest { table: TABLE.into(), key, ..Default::default() };
    let message = |tag| StreamGetRequest { tag, get: Some(get.clone()) }.encode_to_vec();
    let messages = (0..lookups).map(|tag| message(tag.into()));
    let framed = messages.flat_map(|message| [&head(0, message.len())[..], &message].concat());
    let path = "/millpond.v1.LookupService/StreamGet".into();
    Call { path, body: framed.collect::<Vec<_>>().into(), encoding: None }
}

/// Asks for all entries of the table.
pub(crate) fn scan() -> Call {
    let request = ScanRequest { table: TABLE.into(), ..Default::default() };
    Call::new("/millpond.v1.LookupService/Scan", &request)
}

/// Watches all of the table, with what is in it.
pub(crate) fn watch_table() -> Call {
    let request = WatchRequest { table: TABLE.into(), include_current: true, ..Default::default() };
    Call::new("/millpond.v1.LookupService/Watch", &request)
}

/// Looks up so many recent keys that the answer is as large as it can be.
pub(crate) fn batch_get(end: u64) -> Call {
    batch_get_of(end, MOST_KEYS)
}

/// Looks up this many recent keys.
pub(crate) fn batch_get_of(end: u64, keys: u64) -> Call {
    Call::new(BATCH_GET, &batch(end, keys))
}

/// The same, once a record has come that never comes.
pub(crate) fn waiting_batch_get(end: u64) -> Call {
    let far = PartitionOffset { partition: 0, offset: FAR_AHEAD };
    let freshness = Freshness { min_positions: vec![far], ..Freshness::default() };
    let batch = BatchGetRequest { freshness: Some(freshness), ..batch(end, MOST_KEYS) };
    Call::new(BATCH_GET, &batch)
}

fn batch(end: u64, keys: u64) -> BatchGetRequest {
    let keys = recent_keys(end, keys);
    BatchGetRequest { table: TABLE.into(), keys, ..Default::default() }
}

/// The head of a message of 4 MiB and its begin. The rest is for the caller to send, or not.
pub(crate) fn begun_batch_get(body_bytes: usize) -> Call {
    begun_batch_get_of(LARGEST_MESSAGE_BYTES, body_bytes)
}

/// The same of a message of this size.
pub(crate) fn begun_batch_get_of(message_bytes: usize, body_bytes: usize) -> Call {
    let mut body = head(0, message_bytes).to_vec();
    body.resize(body.len() + body_bytes, b'x');
    Call { path: BATCH_GET.into(), body: body.into(), encoding: None }
}

/// A message that is small and unfolds to almost 4 MiB.
pub(crate) fn gzip_bomb() -> Call {
    let folded = gzip(&vec![0; LARGEST_MESSAGE_BYTES - 1]);
    let body = [&head(1, folded.len())[..], &folded].concat().into();
    Call { path: BATCH_GET.into(), body, encoding: Some("gzip") }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

pub(crate) fn get_stats() -> Call {
    Call::new(GET_STATS, &GetStatsRequest::default())
}

pub(crate) fn watch_stats() -> Call {
    Call::new("/millpond.v1.StatsService/WatchStats", &WatchStatsRequest::default())
}

pub(crate) fn list_largest_entries() -> Call {
    let request =
        ListLargestEntriesRequest { table: TABLE.into(), page_size: 1_000, ..Default::default() };
    Call::new("/millpond.v1.MaintenanceService/ListLargestEntries", &request)
}

pub(crate) fn reclaim() -> Call {
    Call::new("/millpond.v1.MaintenanceService/Reclaim", &ReclaimRequest::default())
}

pub(crate) fn watch_health() -> Call {
    Call::new("/grpc.health.v1.Health/Watch", &HealthCheckRequest::default())
}

/// Asks for the descriptors of a service, with all that they depend on.
pub(crate) fn reflection() -> Call {
    // The field file_containing_symbol.
    let symbol = b"millpond.v1.StatsService";
    let message = [&[0x22, 24][..], symbol].concat();
    Call::of_bytes("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &message)
}

/// What comes before a message: whether it is compressed, and its length.
#[expect(clippy::cast_possible_truncation, reason = "a message has less than 4 GiB")]
fn head(is_compressed: u8, bytes: usize) -> [u8; 5] {
    let [a, b, c, d] = (bytes as u32).to_be_bytes();
    [is_compressed, a, b, c, d]
}
