//! The metrics of the gRPC port.

use std::fmt;

use super::catalogue::{
    ACCEPTED, CALL_DURATIONS, CALLS_HANDLED, CALLS_STARTED, CLOSED, CREDENTIAL_FAILURES,
    CREDENTIALS, DENIED, DROPPED, OPEN_CALLS, OPEN_CONNECTIONS, POOL, POOL_HELD, REFUSED, SHED,
};
use super::writer::Writer;
use crate::stats::{
    AccessStats, CallKind, CloseReason, ConnectionStats, DenialReason, MethodStats, PoolStats,
    RpcStats, STATUS_CODES, ShedCause,
};

pub(super) fn write(writer: &mut Writer<'_>, rpc: &RpcStats) -> fmt::Result {
    write_calls(writer, &rpc.calls)?;
    write_connections(writer, &rpc.connections)?;
    write_pool(writer, &rpc.pool, rpc.connections.shed_streams)?;
    write_access(writer, &rpc.access)
}

fn write_calls(writer: &mut Writer<'_>, methods: &[MethodStats]) -> fmt::Result {
    let labels = |method: &MethodStats| [kind_name(method.kind), method.service, method.method];
    writer.family(&CALLS_STARTED, |samples| {
        methods.iter().try_for_each(|method| samples.put(labels(method), method.started))
    })?;
    writer.family(&CALLS_HANDLED, |samples| {
        for method in methods {
            let [kind, service, name] = labels(method);
            for (code, count) in STATUS_CODES.into_iter().zip(method.handled) {
                samples.put([kind, service, name, code.metric_name], count)?;
            }
        }
        Ok(())
    })?;
    writer.family(&CALL_DURATIONS, |samples| {
        methods.iter().try_for_each(|method| samples.put_durations(labels(method), method))
    })
}

fn write_connections(writer: &mut Writer<'_>, connections: &ConnectionStats) -> fmt::Result {
    writer.single(&OPEN_CALLS, connections.open_streams)?;
    writer.single(&OPEN_CONNECTIONS, connections.open_connections)?;
    writer.single(&ACCEPTED, connections.accepted)?;
    writer.single(&REFUSED, connections.refused)?;
    writer.each(&CLOSED, connections.closed.map(|(reason, count)| (close_name(reason), count)))
}

fn write_pool(writer: &mut Writer<'_>, pool: &PoolStats, shed_streams: u64) -> fmt::Result {
    let shed = pool.shed_calls.iter().map(|(cause, count)| (shed_name(*cause), *count));
    writer.each(&SHED, [("too_many_calls", shed_streams)].into_iter().chain(shed))?;
    writer.single(&POOL, pool.pool_bytes)?;
    writer.single(&POOL_HELD, pool.held_bytes)?;
    writer.single(&DROPPED, pool.shed_bytes)
}

fn write_access(writer: &mut Writer<'_>, access: &AccessStats) -> fmt::Result {
    let denied = |reason| {
        let same = access.denied.iter().filter(|denied| denied.reason == reason);
        same.map(|denied| denied.count).sum::<u64>()
    };
    writer.each(&DENIED, DenialReason::ALL.map(|reason| (denial_name(reason), denied(reason))))?;
    let tokens = access.tokens.unwrap_or_default();
    let keys = access.jwt_keys.unwrap_or_default();
    writer.each(&CREDENTIALS, [("token_file", tokens.tokens), ("jwt_keys", keys.keys)])?;
    let failures = [("token_file", tokens.failures), ("jwt_keys", keys.failures)];
    writer.each(&CREDENTIAL_FAILURES, failures)
}

fn kind_name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Unary => "unary",
        CallKind::ServerStream => "server_stream",
        CallKind::BidiStream => "bidi_stream",
    }
}

fn close_name(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Peer => "peer",
        CloseReason::Handshake => "handshake",
        CloseReason::Idle => "idle",
        CloseReason::Age => "age",
        CloseReason::Room => "room",
        CloseReason::Drain => "drain",
        CloseReason::Certificate => "certificate",
        CloseReason::Unread => "unread",
    }
}

fn shed_name(cause: ShedCause) -> &'static str {
    match cause {
        ShedCause::PoolFull => "pool_full",
        ShedCause::MemoryShort => "memory_short",
        ShedCause::RequestLate => "request_late",
        ShedCause::AnswerLate => "answer_late",
    }
}

fn denial_name(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::NoCredential => "no_credential",
        DenialReason::CertificateNamesNobody => "certificate_names_nobody",
        DenialReason::MalformedHeader => "malformed_header",
        DenialReason::UnknownToken => "unknown_token",
        DenialReason::MalformedJwt => "malformed_jwt",
        DenialReason::UnknownJwtKey => "unknown_jwt_key",
        DenialReason::JwtAlgorithm => "jwt_algorithm",
        DenialReason::JwtSignature => "jwt_signature",
        DenialReason::JwtExpired => "jwt_expired",
        DenialReason::JwtNotYetValid => "jwt_not_yet_valid",
        DenialReason::JwtIssuer => "jwt_issuer",
        DenialReason::JwtAudience => "jwt_audience",
        DenialReason::JwtClaims => "jwt_claims",
        DenialReason::NotAllowed => "not_allowed",
        DenialReason::NotLoopback => "not_loopback",
        DenialReason::ShareExhausted => "share_exhausted",
    }
}
