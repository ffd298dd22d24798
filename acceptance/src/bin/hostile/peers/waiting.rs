//! Peers whose calls are valid and last.

use crate::calls::{Calls, End};
use crate::peer::About;
use crate::requests::{
    reflection, scan, stream_get, waiting_batch_get, watch_health, watch_stats, watch_table,
};

const STREAMS: u16 = 256;

pub(super) fn peers(end: u64) -> Vec<Calls> {
    let from_all = |name, does| About::new(name, does, 64).with_addresses(8);
    vec![
        Calls::new(
            from_all("waiting-batches", "wait for a record that never comes, on every stream"),
            STREAMS,
            waiting_batch_get(end),
        ),
        Calls::new(
            from_all("health-watches", "watch the health on every stream"),
            STREAMS,
            watch_health(),
        ),
        Calls::new(
            from_all("statistics-watches", "watch the statistics on every stream"),
            STREAMS,
            watch_stats(),
        ),
        Calls::new(
            from_all("reflection-streams", "hold a reflection stream open on every stream"),
            STREAMS,
            reflection(),
        )
        .ending(End::Never),
        Calls::new(
            from_all("lookup-streams", "look up on every stream, and hold it open"),
            STREAMS,
            stream_get(end, 100),
        )
        .ending(End::Never),
        Calls::new(
            from_all("scans", "read all entries of the table on every stream"),
            STREAMS,
            scan(),
        ),
        Calls::new(
            from_all("table-watches", "watch the table on every stream, with what is in it"),
            STREAMS,
            watch_table(),
        ),
    ]
}
