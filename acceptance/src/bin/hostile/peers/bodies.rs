//! Peers that begin a body and do not end it.

use std::time::Duration;

use crate::calls::{Calls, End};
use crate::peer::About;
use crate::requests::{LARGEST_MESSAGE_BYTES, begun_batch_get, gzip_bomb};

const STREAMS: u16 = 256;

pub(super) fn peers() -> Vec<Calls> {
    let from_all = |name, does, connections| About::new(name, does, connections).with_addresses(8);
    vec![
        Calls::new(
            from_all("unended-bodies", "send 4 MiB less a byte on every stream", 32),
            STREAMS,
            begun_batch_get(LARGEST_MESSAGE_BYTES - 1),
        )
        .ending(End::Never),
        Calls::new(
            from_all("announced-bodies", "announce 4 MiB and send a byte a second", 32),
            STREAMS,
            begun_batch_get(1),
        )
        .ending(End::Trickle(Duration::from_secs(1))),
        Calls::new(
            from_all("gzip-bombs", "send messages that unfold to 4 MiB", 32),
            STREAMS,
            gzip_bomb(),
        ),
    ]
}
