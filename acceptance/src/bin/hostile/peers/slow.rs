//! Peers that do not read their answers: nothing of their streams, or nothing of their socket.

use std::time::Duration;

use millpond_acceptance::frames::{self, END_HEADERS, END_STREAM, Kind};

use crate::calls::{Calls, End, Reading};
use crate::peer::About;
use crate::raw::Raw;
use crate::requests::{
    BATCH_GET, Call, batch_get, batch_get_of, get, reflection, scan, stream_get, watch_stats,
    watch_table,
};

const STREAMS: u16 = 256;
/// A byte of each answer is taken.
const ONE_BYTE: Reading = Reading::First(1);

pub(super) fn peers(end: u64) -> Vec<Calls> {
    let slow = |name, does, call| {
        let about = About::new(name, does, 64).with_addresses(8);
        Calls::new(about, STREAMS, call).reading(ONE_BYTE)
    };
    let lookups = "send many lookups on each stream, and read one byte";
    vec![
        slow("unread-small", "read one byte of each of many small answers", get(end)),
        slow("unread-large", "read one byte of each of many answers of 3 MiB", batch_get(end)),
        slow("unread-statistics", "read one byte of a stream of statistics", watch_stats()),
        slow("unread-reflection", "read one byte of each answer about the protocol", reflection()),
        slow("unread-lookups", lookups, stream_get(end, LOOKUPS)).ending(End::Never),
        slow("unread-scans", "read one byte of each of many scans", scan()),
        slow("unread-watches", "read one byte of each of many watches", watch_table()),
    ]
}

/// More than may be unanswered.
const LOOKUPS: u16 = 1_500;

/// Calls of a peer that reads nothing of its socket, on each connection: their requests fit into the
/// window of a connection.
const UNREAD_CALLS: u32 = 6;
/// A batch of this many keys fits into a frame, and its answer has more than a megabyte.
const UNREAD_KEYS: u64 = 500;
/// The number of the setting for the window of a stream.
const INITIAL_WINDOW_SIZE: u16 = 4;
const WIDEST: u32 = (1 << 31) - 1;

/// Peers that allow the service to send all it has, and read nothing.
pub(super) fn raw_peers(end: u64) -> Vec<Raw> {
    let about =
        About::new("unread-socket", "allow large answers, and read nothing of the socket", 64)
            .with_addresses(8);
    let opening = unread_opening(&batch_get_of(end, UNREAD_KEYS));
    let pings = |number: u32| frames::ping(number.into());
    vec![Raw::new(about, opening).repeating_every(Duration::from_secs(1), pings).reading_nothing()]
}

fn unread_opening(call: &Call) -> Vec<u8> {
    let mut opening = [
        frames::PREFACE,
        &frames::settings(&[(INITIAL_WINDOW_SIZE, WIDEST)]),
        &frames::settings_acknowledgement(),
        &frames::window_update(0, WIDEST - (1 << 16)),
    ]
    .concat();
    for stream in (0..UNREAD_CALLS).map(|number| 2 * number + 1) {
        opening.extend(frames::frame(Kind::Headers, END_HEADERS, stream, &frames::call(BATCH_GET)));
        opening.extend(frames::frame(Kind::Data, END_STREAM, stream, &call.body));
    }
    opening
}
