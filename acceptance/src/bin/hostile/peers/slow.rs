//! Peers that do not read their answers.

use crate::calls::{Calls, Reading};
use crate::peer::About;
use crate::requests::{batch_get, get, reflection, watch_stats};

const STREAMS: u16 = 256;
/// A byte of each answer is taken.
const ONE_BYTE: Reading = Reading::First(1);

pub(super) fn peers(end: u64) -> Vec<Calls> {
    let from_all = |name, does| About::new(name, does, 64).with_addresses(8);
    vec![
        Calls::new(
            from_all("unread-small", "read one byte of each of many small answers"),
            STREAMS,
            get(end),
        )
        .reading(ONE_BYTE),
        Calls::new(
            from_all("unread-large", "read one byte of each of many answers of 3 MiB"),
            STREAMS,
            batch_get(end),
        )
        .reading(ONE_BYTE),
        Calls::new(
            from_all("unread-statistics", "read one byte of a stream of statistics"),
            STREAMS,
            watch_stats(),
        )
        .reading(ONE_BYTE),
        Calls::new(
            from_all("unread-reflection", "read one byte of each answer about the protocol"),
            STREAMS,
            reflection(),
        )
        .reading(ONE_BYTE),
    ]
}
