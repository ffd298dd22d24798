//! Peers whose calls are valid and last.

use crate::calls::{Calls, End};
use crate::peer::About;
use crate::requests::{reflection, waiting_batch_get, watch_health, watch_stats};

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
    ]
}
