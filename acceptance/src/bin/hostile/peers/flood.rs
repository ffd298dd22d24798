//! Peers that send as much as is taken of something small.

use std::time::Duration;

use millpond_acceptance::frames::{self, END_HEADERS, END_STREAM, Kind, frame};

use crate::calls::Calls;
use crate::peer::About;
use crate::raw::Raw;
use crate::requests::{BATCH_GET, get_stats, list_largest_entries, reclaim};

/// Bytes of bodies that a connection allows before it is asked.
const WINDOW_BYTES: u32 = 65_535;
/// Streams that these bytes are sent on.
const STREAMS: u32 = 100;
/// Frames that are written at a time.
const AT_ONCE: u32 = 256;

pub(super) fn raw_peers() -> Vec<Raw> {
    let from_all = |name, does| About::new(name, does, 16).with_addresses(4);
    let storm = from_all("reconnects", "say goodbye and connect again").pausing(Duration::ZERO);
    let eager = |name, does| Raw::new(from_all(name, does), frames::opening());
    let no_ack = [frames::PREFACE, &frames::settings(&[])].concat();
    vec![
        Raw::new(
            About::new("one-byte-frames", "send bodies in frames of a byte", 64).with_addresses(8),
            one_byte_frames(),
        ),
        Raw::new(from_all("empty-frames", "send empty frames of a body"), begun_call())
            .repeating(|_| frame(Kind::Data, 0, 1, &[]).repeat(AT_ONCE as usize)),
        eager("rapid-resets", "open streams and reset them").repeating(rapid_resets),
        eager("settings", "send settings and read nothing")
            .reading_nothing()
            .repeating(|_| frames::settings(&[(4, WINDOW_BYTES)]).repeat(AT_ONCE as usize)),
        eager("pings", "send pings and read nothing")
            .reading_nothing()
            .repeating(|number| frames::ping(number.into()).repeat(AT_ONCE as usize)),
        Raw::new(from_all("window-updates", "send window updates of 1"), begun_call())
            .repeating(|_| frames::window_update(1, 1).repeat(AT_ONCE as usize)),
        Raw::new(storm, [frames::opening(), frames::go_away()].concat()).leaving(),
        Raw::new(
            from_all("unacknowledged", "never acknowledge settings, and open streams"),
            no_ack,
        )
        .repeating_every(Duration::from_millis(1), |number| open(2 * number + 1)),
    ]
}

pub(super) fn calling_peers() -> Vec<Calls> {
    let about = |name, does| About::new(name, does, 8).with_addresses(2);
    vec![
        Calls::new(about("statistics", "ask for statistics without a pause"), 32, get_stats()),
        Calls::new(
            about("largest-entries", "list the largest entries without a pause"),
            32,
            list_largest_entries(),
        ),
        Calls::new(about("reclaims", "reclaim without a pause"), 32, reclaim()),
    ]
}

/// A stream without the end of its body.
fn open(stream: u32) -> Vec<u8> {
    frame(Kind::Headers, END_HEADERS, stream, &frames::call(BATCH_GET))
}

fn begun_call() -> Vec<u8> {
    [frames::opening(), open(1)].concat()
}

/// As many bytes as a connection takes unasked, each in a frame of its own.
fn one_byte_frames() -> Vec<u8> {
    let mut bytes = frames::opening();
    bytes.extend((0..STREAMS).flat_map(|number| open(2 * number + 1)));
    // A message of 4 MiB, so that none is ever whole.
    let message = [0, 0, 0x40, 0, 0].into_iter().chain(std::iter::repeat(0));
    let per_stream = WINDOW_BYTES / STREAMS;
    for byte in message.take(per_stream as usize) {
        for number in 0..STREAMS {
            bytes.extend(frame(Kind::Data, 0, 2 * number + 1, &[byte]));
        }
    }
    bytes
}

fn rapid_resets(number: u32) -> Vec<u8> {
    const STREAMS_AT_ONCE: u32 = 64;
    let first = number * STREAMS_AT_ONCE;
    let streams = (first..first + STREAMS_AT_ONCE).map(|number| 2 * number + 1);
    let block = frames::call(BATCH_GET);
    let each = streams.flat_map(|stream| {
        let headers = frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &block);
        [headers, frames::reset(stream)].concat()
    });
    each.collect()
}
