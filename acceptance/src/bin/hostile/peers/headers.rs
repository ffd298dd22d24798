//! Peers that send header blocks which are large in memory, or never end.

use millpond_acceptance::frames::{
    self, END_HEADERS, Kind, LARGEST_PAYLOAD_BYTES, NEWEST_REMEMBERED, frame,
};

use crate::peer::About;
use crate::raw::Raw;
use crate::requests::BATCH_GET;

/// A field that fills the dynamic table of 4 KiB, and how often it is named in one block.
const LARGE_FIELD_BYTES: usize = 4_000;
const LARGE_TIMES: usize = 480;
/// So many of the smallest fields stay within 8 KiB as HTTP/2 counts them, 32 bytes each and the
/// text. As a map in memory they take much more.
const SMALL_TIMES: usize = 200;
/// Streams on one connection: no more than services commonly allow.
const STREAMS: u32 = 100;

pub(super) fn peers() -> Vec<Raw> {
    let from_all = |name, does, connections| About::new(name, does, connections).with_addresses(8);
    let unended = unended_block();
    vec![
        Raw::new(
            from_all("unended-headers", "send 16 KiB of a header block and no more", 1_000),
            [frames::opening(), frame(Kind::Headers, 0, 1, &unended)].concat(),
        ),
        Raw::new(
            from_all("continuations", "continue a header block without end", 16),
            [frames::opening(), frame(Kind::Headers, 0, 1, &unended)].concat(),
        )
        .repeating(move |_| frame(Kind::Continuation, 0, 1, &unended)),
        blocks(
            from_all("hpack-bombs", "name one large header field 480 times", 64),
            &frames::remembered("x-bomb", &"b".repeat(LARGE_FIELD_BYTES)),
            &[NEWEST_REMEMBERED; LARGE_TIMES],
        ),
        blocks(
            from_all("repeated-header", "name one small header field 200 times", 64),
            &frames::remembered("x", "y"),
            &[NEWEST_REMEMBERED; SMALL_TIMES],
        ),
        blocks(from_all("small-headers", "send 200 small header fields", 64), &[], &small_fields()),
    ]
}

/// Fields up to the size of a frame.
fn unended_block() -> Vec<u8> {
    let mut block = frames::call(BATCH_GET);
    let field = frames::literal("x-filler", &"f".repeat(100));
    while block.len() + field.len() <= LARGEST_PAYLOAD_BYTES {
        block.extend_from_slice(&field);
    }
    block
}

/// A peer that opens streams with these fields and leaves them open. The first one has the fields of
/// `first` too.
fn blocks(about: About, first: &[u8], fields: &[u8]) -> Raw {
    let mut opening = frames::opening();
    opening.extend(block(0, &[first, fields].concat()));
    opening.extend((1..STREAMS).flat_map(|number| block(number, fields)));
    Raw::new(about, opening)
}

/// Fields of six bytes each, none like another.
fn small_fields() -> Vec<u8> {
    let letters = (b'a'..=b'z').map(|letter| char::from(letter).to_string());
    let names: Vec<_> = letters.collect();
    let pairs = names.iter().flat_map(|a| names.iter().map(move |b| format!("x{a}{b}")));
    pairs.take(SMALL_TIMES).flat_map(|name| frames::literal(&name, "")).collect()
}

/// Opens a stream with these fields beside those of a call.
fn block(number: u32, fields: &[u8]) -> Vec<u8> {
    let payload = [&frames::call(BATCH_GET)[..], fields].concat();
    frame(Kind::Headers, END_HEADERS, 2 * number + 1, &payload)
}
