//! Peers that together fill every connection, every stream and the whole pool.
//!
//! A few connections fill the pool: with answers that are read slowly, and with requests that do not
//! end. All others are as dear as a connection can be: each has streams with as much of a request as
//! takes nothing of the pool, a header that does not end, and half a frame.

use std::sync::Arc;

use millpond_acceptance::frames::{
    self, END_HEADERS, HEAD_BYTES, Kind, LARGEST_PAYLOAD_BYTES, frame,
};

use crate::calls::{Calls, End, Reading};
use crate::peer::{About, Peer};
use crate::raw::Raw;
use crate::requests::{self, BATCH_GET};

/// Addresses that the connections come from, so that no peer has more than its part.
const ADDRESSES: u16 = 16;
/// Left for the well-behaved client and the statistics.
const SPARE_CONNECTIONS: u16 = 4;
/// A connection may hold a quarter of the pool, so these want twice what there is.
const SLOW_CONNECTIONS: u16 = 8;
const SLOW_STREAMS: u16 = 8;
/// A little more than what a peer reads that is not dropped for others.
const SLOW_BYTES_A_SECOND: u32 = 96 << 10;
/// Keys of a call. Its answer is small beside the pool, so that the pool can be filled to the end.
const KEYS: u64 = 100;
/// Requests may take a quarter of the pool, and a connection a quarter of that.
const UNENDED_CONNECTIONS: u16 = 4;
/// Nearly what a connection may hold of requests, where the pool has its default size.
const UNENDED_BYTES: usize = 500 << 10;
/// What takes nothing of the pool.
const FREE_BYTES: usize = 4 << 10;
/// The begin of a header whose value is longer than a frame: no index, its name, and the length.
const LONG_HEADER: [u8; 6] = [0, 1, b'x', 0x7f, 0x80, 0x7f];

/// The peers, where so many connections and streams may be open. `end` is the number of records in
/// the stream.
pub(super) fn peers(connections: u16, streams: u16, end: u64) -> Vec<Arc<dyn Peer>> {
    let about = |name, does, count| About::new(name, does, count).with_addresses(ADDRESSES);
    let others = connections
        .saturating_sub(SPARE_CONNECTIONS + SLOW_CONNECTIONS + UNENDED_CONNECTIONS)
        .max(1);
    let left = streams.saturating_sub(SLOW_CONNECTIONS * SLOW_STREAMS + UNENDED_CONNECTIONS);
    let slow = about("slow", "read their answers slowly", SLOW_CONNECTIONS);
    let slow = Calls::new(slow, SLOW_STREAMS, requests::batch_get_of(end, KEYS));
    let unended = about("unended", "do not end their requests", UNENDED_CONNECTIONS);
    let body = requests::begun_batch_get_of(UNENDED_BYTES, UNENDED_BYTES - 1);
    let half_sent = about("half-sent", "send half of everything", others);
    vec![
        Arc::new(slow.reading(Reading::AtRate(SLOW_BYTES_A_SECOND))),
        Arc::new(Calls::new(unended, 1, body).ending(End::Never)),
        Arc::new(Raw::new(half_sent, halves(u32::from(left / others)))),
    ]
}

/// Streams with requests that are begun, and then a header and a frame that do not end.
fn halves(streams: u32) -> Vec<u8> {
    let call = frames::call(BATCH_GET);
    let begun = requests::begun_batch_get_of(2 * FREE_BYTES, FREE_BYTES - HEAD_BYTES).body;
    let mut bytes = frames::opening();
    for stream in (0..streams).map(|number| 2 * number + 1) {
        bytes.extend(frame(Kind::Headers, END_HEADERS, stream, &call));
        bytes.extend(frame(Kind::Data, 0, stream, &begun));
    }
    let mut block = [&call[..], &LONG_HEADER].concat();
    block.resize(LARGEST_PAYLOAD_BYTES, b'x');
    bytes.extend(frame(Kind::Headers, 0, 2 * streams + 1, &block));
    bytes.extend(frame(Kind::Continuation, 0, 2 * streams + 1, &vec![b'x'; LARGEST_PAYLOAD_BYTES]));
    bytes.pop();
    bytes
}
