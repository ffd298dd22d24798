//! `[rpc]`: where the gRPC server listens, the memory for calls, and the caps and deadlines of
//! connections and streams.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::access::Access;
use super::fitted::{Fitted, OrAuto};
use super::form::{Count, Size, Time, serialize_duration};
use super::listen::read_listen;
use super::section::{Section, Unset};
use super::size::ByteSize;
use super::tls::{self, Tls};

pub(super) const ABOUT: &str = "The gRPC server for lookups and statistics.";

/// The gRPC server for lookups and statistics.
#[derive(Clone, Debug, Serialize)]
pub struct Rpc {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The memory that callers may make the service hold.
    pub pool: Fitted<ByteSize>,
    /// The memory for changes that those who watch tables have not read yet, of all tables together.
    pub watch_buffer: Fitted<ByteSize>,
    /// Connections in all. Above zero.
    pub max_connections: Fitted<usize>,
    /// Connections of one peer: of an IPv4 address, or of an IPv6 network of 64 bits. Above zero.
    pub max_connections_per_peer: Fitted<usize>,
    /// Streams in all. Above zero.
    pub max_streams: Fitted<usize>,
    /// Streams of one connection. Above zero.
    pub max_streams_per_connection: usize,
    /// The time to set a connection up. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub handshake_timeout: Duration,
    /// The time to send a whole request. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub request_timeout: Duration,
    /// A connection without a call is closed after this time. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub idle_timeout: Duration,
    /// A connection is closed at about this age. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub max_connection_age: Duration,
    /// The time that its calls then get.
    #[serde(serialize_with = "serialize_duration")]
    pub max_connection_age_grace: Duration,
    /// Its certificate. None: it speaks plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Who may do what.
    #[serde(flatten)]
    pub access: Access,
}

/// The numbers of connections and streams.
struct Caps {
    connections: Fitted<usize>,
    connections_per_peer: Fitted<usize>,
    streams: Fitted<usize>,
    streams_per_connection: usize,
}

/// The largest entry fits into what one connection may take of it.
const SMALLEST_POOL: ByteSize = ByteSize::mib(6);
const LARGEST_POOL: ByteSize = ByteSize::mib(8);
/// The memory limit is divided by this.
const POOL_DIVISOR: u64 = 16;
const SMALLEST_WATCH_BUFFER: ByteSize = ByteSize::mib(1);
const LARGEST_WATCH_BUFFER: ByteSize = ByteSize::mib(16);
/// The memory limit is divided by this.
const WATCH_BUFFER_DIVISOR: u64 = 64;
const FEWEST_CONNECTIONS: usize = 32;
const MOST_CONNECTIONS: usize = 128;
const STREAMS_PER_CONNECTION: usize = 4;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// The longest life of a connection: a year, for those who want none closed.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

impl Rpc {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = read_listen(section, "0.0.0.0:50051");
        let [pool, watch_buffer] = read_memory(section);
        let caps = Caps::read(section);
        let [handshake_timeout, request_timeout] = read_deadlines(section);
        let [idle_timeout, max_connection_age, max_connection_age_grace] = read_lives(section);
        let tls = section.optional_section("tls", tls::ABOUT, Tls::read);
        let access = Access::read(section);
        let caps = caps?;
        Some(Self {
            listen: listen?,
            pool: pool?,
            watch_buffer: watch_buffer?,
            max_connections: caps.connections,
            max_connections_per_peer: caps.connections_per_peer,
            max_streams: caps.streams,
            max_streams_per_connection: caps.streams_per_connection,
            handshake_timeout: handshake_timeout?,
            request_timeout: request_timeout?,
            idle_timeout: idle_timeout?,
            max_connection_age: max_connection_age?,
            max_connection_age_grace: max_connection_age_grace?,
            tls: tls?,
            access: access?,
        })
    }

    /// Computes the settings that are `auto`, for a memory limit of so many bytes.
    pub(super) fn fit(&mut self, limit_bytes: u64) {
        let mib = limit_bytes >> 20;
        let connections = usize::try_from(mib).unwrap_or(usize::MAX);
        let connections = connections.clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
        self.pool.fit(ByteSize::mib(mib / POOL_DIVISOR).clamp(SMALLEST_POOL, LARGEST_POOL));
        let watch_buffer = ByteSize::mib(mib / WATCH_BUFFER_DIVISOR);
        self.watch_buffer.fit(watch_buffer.clamp(SMALLEST_WATCH_BUFFER, LARGEST_WATCH_BUFFER));
        self.max_connections.fit(connections);
        self.max_connections_per_peer.fit(self.max_connections.get().div_ceil(2));
        self.max_streams.fit(connections * STREAMS_PER_CONNECTION);
    }
}

impl Caps {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let connections = section.key(
            "max_connections",
            &OrAuto(Count(1..=100_000), MOST_CONNECTIONS),
            Unset::Means("auto"),
            "How many connections may be open. One more takes the place of the connection that has \
             been idle for longest, first of a peer that has more connections than its own. If none \
             is idle, it waits, or is closed if no other peer has more. `auto` is one for each MiB \
             of the memory limit, from 32 to 128.",
        );
        let connections_per_peer = section.key(
            "max_connections_per_peer",
            &OrAuto(Count(1..=100_000), MOST_CONNECTIONS / 2),
            Unset::Means("auto"),
            "How many connections of one peer may be open; one more is closed at once. A peer is \
             an IPv4 address or an IPv6 network of 64 bits. Raise it where all callers come through \
             one proxy. `auto` is half of `max_connections`.",
        );
        let streams = section.key(
            "max_streams",
            &OrAuto(Count(1..=1_000_000), MOST_CONNECTIONS * STREAMS_PER_CONNECTION),
            Unset::Means("auto"),
            "How many calls may be open on all connections together. Half of them are divided among \
             `max_connections`, so that each connection has some for itself. One more gets \
             RESOURCE_EXHAUSTED. `auto` is four for each MiB of the memory limit, from 128 to 512.",
        );
        let streams_per_connection = section.key(
            "max_streams_per_connection",
            &Count(1..=10_000),
            Unset::Means("100"),
            "How many calls may be open on one connection. A client holds further calls back by \
             itself.",
        );
        Some(Self {
            connections: connections?,
            connections_per_peer: connections_per_peer?,
            streams: streams?,
            streams_per_connection: streams_per_connection?,
        })
    }
}

fn read_memory(section: &mut Section<'_>) -> [Option<Fitted<ByteSize>>; 2] {
    let pool = section.key(
        "pool",
        &OrAuto(Size(SMALLEST_POOL..=ByteSize::mib(1024)), LARGEST_POOL),
        Unset::Means("auto"),
        "Memory for requests over 4KiB while they arrive and wait, and for responses over \
         4KiB until their callers have received them. Requests may take a quarter of it, \
         responses the rest, and one connection a quarter of either. A request that does not \
         fit is refused, a response that does not fit waits. `auto` is a sixteenth of the \
         memory limit, from 6MiB to 8MiB.",
    );
    let watch_buffer = section.key(
        "watch_buffer",
        &OrAuto(Size(SMALLEST_WATCH_BUFFER..=ByteSize::mib(4096)), LARGEST_WATCH_BUFFER),
        Unset::Means("auto"),
        "Memory for the changes that those who watch tables have not read yet, divided equally \
         among the tables. It is taken for a table while somebody watches it, and for a minute \
         after. A watcher that falls further behind is overtaken, and so are all watchers by an \
         entry that is larger than its table's part. `auto` is a 64th of the memory limit, \
         from 1MiB to 16MiB.",
    );
    [pool, watch_buffer]
}

fn read_deadlines(section: &mut Section<'_>) -> [Option<Duration>; 2] {
    let handshake_timeout = read_time(
        section,
        "handshake_timeout",
        SECOND / 10..=HOUR,
        "10s",
        "The time to set up a connection: the TLS handshake if there is one, HTTP/2's preface and \
         settings, and the acknowledgement of ours.",
    );
    let request_timeout = read_time(
        section,
        "request_timeout",
        SECOND / 10..=HOUR,
        "10s",
        "The time to send a whole request once it has begun.",
    );
    [handshake_timeout, request_timeout]
}

fn read_lives(section: &mut Section<'_>) -> [Option<Duration>; 3] {
    let idle_timeout = read_time(
        section,
        "idle_timeout",
        SECOND / 10..=LONGEST,
        "15m",
        "A connection that has had no call for this long is closed. Its client connects again when \
         it has a call.",
    );
    let max_connection_age = read_time(
        section,
        "max_connection_age",
        SECOND / 10..=LONGEST,
        "30m",
        "A connection is closed at this age, give or take a tenth, so that callers find new \
         replicas. Its client connects again.",
    );
    let max_connection_age_grace = read_time(
        section,
        "max_connection_age_grace",
        Duration::ZERO..=LONGEST,
        "5m",
        "How long the calls of a connection that is closed for its age may still take.",
    );
    [idle_timeout, max_connection_age, max_connection_age_grace]
}

fn read_time(
    section: &mut Section<'_>,
    name: &'static str,
    bounds: RangeInclusive<Duration>,
    default: &'static str,
    about: &'static str,
) -> Option<Duration> {
    section.key(name, &Time(bounds), Unset::Means(default), about)
}
