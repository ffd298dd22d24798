//! What callers make the service hold, and the calls that failed because of it.

use super::access::AccessStats;
use super::caller::CallerStats;
use super::calls::MethodStats;
use super::connections::ConnectionStats;
use super::tls::TlsStats;

/// The figures of the gRPC port.
#[derive(Debug, Clone)]
pub struct RpcStats {
    /// Its connections.
    pub connections: ConnectionStats,
    /// What callers hold.
    pub pool: PoolStats,
    /// Its TLS, if it has any.
    pub tls: Option<TlsStats>,
    /// Who called, and which calls were denied.
    pub access: AccessStats,
    /// Who costs what: those who took the most time come first, and the last is for all that found no
    /// room.
    pub callers: Vec<CallerStats>,
    /// The calls by method, with every method.
    pub calls: Vec<MethodStats>,
}

/// The figures of the byte pool.
#[derive(Debug, Clone)]
pub struct PoolStats {
    /// The size of the pool.
    pub pool_bytes: u64,
    /// What callers hold of it at the moment.
    pub held_bytes: u64,
    /// The calls that were shed, by cause: a number for each cause.
    pub shed_calls: Vec<(ShedCause, u64)>,
    /// The bytes of answers that were dropped because memory was short.
    pub shed_bytes: u64,
}

/// Why a call was shed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShedCause {
    /// The pool, or the connection's share of it, had no room in time.
    PoolFull,
    /// Memory was short.
    MemoryShort,
    /// The caller did not send its request in time.
    RequestLate,
    /// The caller did not read its answer in time.
    AnswerLate,
}

impl ShedCause {
    /// Every cause.
    pub const ALL: [Self; 4] =
        [Self::PoolFull, Self::MemoryShort, Self::RequestLate, Self::AnswerLate];
}
