//! Converts the figures of the gRPC port.

use super::calls;
use crate::proto::v1::{self as wire, ConnectionCloseCount, ConnectionCloseReason, ShedCallCount};
use crate::rpc::convert::{to_duration, to_int64};
use crate::stats::{CallerStats, CloseReason, RpcStats, ShedCause};

impl From<RpcStats> for wire::RpcStats {
    fn from(rpc: RpcStats) -> Self {
        let RpcStats { connections, pool, tls, access, calls, callers } = rpc;
        let closed = |&(reason, count): &(CloseReason, u64)| ConnectionCloseCount {
            reason: to_reason(reason).into(),
            count: to_int64(count),
        };
        let shed = |cause: wire::ShedCause, count| ShedCallCount {
            cause: cause.into(),
            count: to_int64(count),
        };
        let too_many = shed(wire::ShedCause::TooManyCalls, connections.shed_streams);
        let others = pool.shed_calls.iter().map(|&(cause, count)| shed(to_cause(cause), count));
        Self {
            open_connection_count: to_int64(connections.open_connections),
            admitted_connection_count: to_int64(connections.accepted),
            refused_connection_count: to_int64(connections.refused),
            closed_connections: connections.closed.iter().map(closed).collect(),
            open_call_count: to_int64(connections.open_streams),
            shed_calls: [too_many].into_iter().chain(others).collect(),
            pool_bytes: to_int64(pool.pool_bytes),
            held_bytes: to_int64(pool.held_bytes),
            dropped_bytes: to_int64(pool.shed_bytes),
            tls: tls.map(Into::into),
            access: Some(access.into()),
            methods: calls::to_methods(&calls),
            callers: callers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CallerStats> for wire::CallerStats {
    fn from(caller: CallerStats) -> Self {
        Self {
            caller: caller.caller,
            table: caller.table.unwrap_or_default(),
            call_count: to_int64(caller.calls),
            key_count: to_int64(caller.keys),
            answer_bytes: to_int64(caller.answer_bytes),
            busy_time: Some(to_duration(caller.busy)),
            shed_count: to_int64(caller.shed),
            slowest_time: Some(to_duration(caller.slowest)),
        }
    }
}

fn to_reason(reason: CloseReason) -> ConnectionCloseReason {
    match reason {
        CloseReason::Peer => ConnectionCloseReason::Peer,
        CloseReason::Handshake => ConnectionCloseReason::Handshake,
        CloseReason::Idle => ConnectionCloseReason::Idle,
        CloseReason::Age => ConnectionCloseReason::Age,
        CloseReason::Room => ConnectionCloseReason::Room,
        CloseReason::Drain => ConnectionCloseReason::Drain,
        CloseReason::Certificate => ConnectionCloseReason::Certificate,
        CloseReason::Unread => ConnectionCloseReason::Unread,
    }
}

fn to_cause(cause: ShedCause) -> wire::ShedCause {
    match cause {
        ShedCause::PoolFull => wire::ShedCause::PoolFull,
        ShedCause::MemoryShort => wire::ShedCause::MemoryShort,
        ShedCause::RequestLate => wire::ShedCause::RequestLate,
        ShedCause::AnswerLate => wire::ShedCause::AnswerLate,
    }
}
