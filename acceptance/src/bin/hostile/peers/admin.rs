//! Peers of the admin port.

use std::time::Duration;

use millpond_acceptance::frames;

use crate::peer::About;
use crate::raw::Raw;

/// Header fields that are written at a time.
const AT_ONCE: usize = 64;

pub(super) fn peers() -> Vec<Raw> {
    let from_all = |name, does| About::new(name, does, 1_000).with_addresses(20);
    let half = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n".to_vec();
    let whole = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    let body =
        b"POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    let metrics = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let few = |name, does| About::new(name, does, 32).with_addresses(8);
    let pause = Duration::from_secs(1);
    vec![
        Raw::new(
            from_all("admin-half-requests", "send half a request").pausing(pause),
            half.clone(),
        ),
        Raw::new(from_all("admin-idle", "ask once and stay").pausing(pause), whole),
        Raw::new(few("admin-headers", "send header fields without end"), half)
            .repeating(|_| "x-more: yes\r\n".repeat(AT_ONCE).into_bytes()),
        Raw::new(few("admin-bodies", "send a body of a gigabyte"), body)
            .repeating(|_| vec![b'x'; 16 << 10]),
        Raw::new(few("admin-unread", "ask for the metrics and read nothing"), Vec::new())
            .repeating_every(pause, |_| metrics.to_vec())
            .reading_nothing(),
        Raw::new(few("admin-http2", "speak HTTP/2 to the admin port"), frames::opening()),
    ]
    .into_iter()
    .map(Raw::at_admin)
    .collect()
}
