//! Connections: how many there may be, how long they live, and what a peer may do on one.

use std::net::Ipv4Addr;

use millpond::proto::v1::ErrorReason;
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_client::HealthClient;
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_types::StatusExt;

use crate::lookups::assert_error;
use crate::support::broker;
use crate::support::http2::{
    ACK, DATA, EMPTY_MESSAGE, END_STREAM, GO_AWAY, HEADERS, Http2, PING, PREFACE, RESET, SETTINGS,
    call, frame, header_block, headers,
};
use crate::support::service::Service;

const WATCH: &str = "/grpc.health.v1.Health/Watch";
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// Starts a service that is ready. Its own caller has one connection.
async fn service(broker: &broker::Broker, settings: &[&str]) -> Service {
    let topic = broker.create_topic(1).await;
    let mut all = vec!["rpc.max_connections_per_peer=1000"];
    all.extend(settings);
    Service::ready(broker, &topic, &all).await
}

/// Waits for the answer to a call.
async fn answered(connection: &mut Http2, stream: u32) {
    loop {
        let frame = connection.wait_for(HEADERS).await;
        if frame.stream == stream && frame.flags & END_STREAM != 0 {
            return;
        }
    }
}

#[test]
fn at_the_cap_the_connection_that_never_made_a_call_makes_room() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_connections=2"]).await;
        let mut idle = Http2::connect(service.rpc).await;
        let mut next = Http2::connect(service.rpc).await;
        next.send(&call(1, CHECK)).await;
        answered(&mut next, 1).await;
        let (kinds, error) = idle.closed().await;
        assert_eq!((kinds.contains(&GO_AWAY), error), (true, Some(0)));
        drop(next);
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn at_the_cap_a_connection_with_a_call_makes_no_room_until_it_ends() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_connections=2"]).await;
        let mut health = HealthClient::new(service.channel());
        let request = HealthCheckRequest { service: String::new() };
        let mut watched = health.watch(request).await.unwrap().into_inner();
        watched.next().await.unwrap().unwrap();
        let mut busy = Http2::connect(service.rpc).await;
        busy.send(&call(1, WATCH)).await;
        busy.wait_for(DATA).await;

        let mut waiting = Http2::silent(service.rpc).await;
        let mut set_up = std::pin::pin!(waiting.set_up());
        tokio::select! {
            () = &mut set_up => panic!("there was room"),
            // Calls go on meanwhile.
            () = async { for _ in 0..50 { service.stats().await; } } => {}
        }
        drop(busy);
        set_up.await;
        drop(watched);
        service.stop().await;
    });
}

#[test]
fn a_peer_has_a_cap_of_its_own_and_takes_nothing_from_another_peer() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_connections_per_peer=2"]).await;
        let mut second = Http2::connect(service.rpc).await;
        let mut third = Http2::silent(service.rpc).await;
        assert!(third.next().await.is_none(), "it is closed at once");
        let other = Ipv4Addr::new(127, 0, 0, 2);
        let mut other = Http2::silent_from(other.into(), service.rpc).await;
        other.set_up().await;
        second.send(&call(1, CHECK)).await;
        answered(&mut second, 1).await;
        drop(second);
        // The place is free once the service has seen the end of the second connection.
        loop {
            let mut fourth = Http2::silent(service.rpc).await;
            if fourth.next().await.is_some_and(|frame| frame.kind == SETTINGS) {
                break;
            }
        }
        service.stop().await;
    });
}

#[test]
fn a_connection_that_is_not_set_up_in_time_is_closed() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.handshake_timeout=200ms"]).await;
        let settings = frame(SETTINGS, 0, 0, &[]);
        // Silence, half a preface, half a frame's head, and settings that are not acknowledged.
        let half_head = [PREFACE, &settings[..4]].concat();
        let unacknowledged = [PREFACE, &settings].concat();
        for sent in [&[], &PREFACE[..10], &half_head, &unacknowledged] {
            let mut connection = Http2::silent(service.rpc).await;
            connection.send(sent).await;
            connection.closed().await;
        }
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn a_peer_that_never_acknowledges_our_settings_may_not_send_much() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.handshake_timeout=1h"]).await;
        let mut connection = Http2::silent(service.rpc).await;
        connection.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        // A frame of a kind that HTTP/2 does not know is passed over.
        let unknown = frame(0x77, 0, 0, &[0; 1 << 10]);
        connection.send(&unknown.repeat(100)).await;
        let (kinds, _) = connection.closed().await;
        // A peer that is silent for long is asked first whether it is still there.
        assert!(!kinds.contains(&PING), "it was closed for its silence: {kinds:?}");
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn an_idle_connection_is_closed_and_its_client_connects_again() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.idle_timeout=200ms"]).await;
        let mut unused = Http2::connect(service.rpc).await;
        let mut half_call = Http2::connect(service.rpc).await;
        // Headers that never end are no call.
        let block = header_block(CHECK);
        half_call.send(&frame(HEADERS, 0, 1, &block[..5])).await;
        let mut busy = Http2::connect(service.rpc).await;
        busy.send(&call(1, WATCH)).await;
        let (kinds, error) = unused.closed().await;
        assert_eq!((kinds.contains(&GO_AWAY), error), (true, Some(0)));
        half_call.closed().await;
        service.stats().await;
        busy.send(&call(3, CHECK)).await;
        answered(&mut busy, 3).await;
        service.stop().await;
    });
}

#[test]
fn an_old_connection_takes_no_new_calls_and_its_open_ones_get_a_grace_period() {
    broker::in_process(async |broker| {
        let settings = ["rpc.max_connection_age=300ms", "rpc.max_connection_age_grace=300ms"];
        let service = service(broker, &settings).await;
        let mut connection = Http2::connect(service.rpc).await;
        connection.send(&call(1, WATCH)).await;
        let first = connection.wait_for(GO_AWAY).await;
        assert_eq!(first.payload[..4], i32::MAX.to_be_bytes(), "calls on their way still count");
        let ping = connection.wait_for(PING).await;
        connection.send(&call(3, CHECK)).await;
        connection.send(&frame(PING, ACK, 0, &ping.payload)).await;
        answered(&mut connection, 3).await;
        let second = connection.wait_for(GO_AWAY).await;
        assert_eq!(second.payload[..4], 3_u32.to_be_bytes(), "it says which was the last");
        connection.closed().await;
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn a_call_over_the_cap_in_all_is_told_to_retry() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_streams=2"]).await;
        let mut connection = Http2::connect(service.rpc).await;
        for stream in [1, 3] {
            connection.send(&call(stream, WATCH)).await;
            connection.wait_for(DATA).await;
        }
        let status = service.try_get("services", "a").await.unwrap_err();
        assert_error(&status, Code::ResourceExhausted, ErrorReason::TooManyStreams);
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        connection.send(&frame(RESET, 0, 1, &8_u32.to_be_bytes())).await;
        while service.try_get("services", "a").await.is_err() {
            tokio::task::yield_now().await;
        }
        drop(connection);
        service.stop().await;
    });
}

#[test]
fn a_client_that_cancels_sixty_calls_at_once_keeps_its_connection() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let mut connection = Http2::connect(service.rpc).await;
        for round in 0..10_u32 {
            let first = round * 200 + 1;
            let streams = (0..60).map(|n| first + 2 * n);
            let calls = streams.clone().flat_map(|stream| call(stream, WATCH));
            let resets = streams.flat_map(|stream| frame(RESET, 0, stream, &8_u32.to_be_bytes()));
            // All at once, as they come from a client after a pause.
            connection.send(&calls.chain(resets).collect::<Vec<_>>()).await;
            let last = first + 198;
            connection.send(&call(last, CHECK)).await;
            answered(&mut connection, last).await;
        }
        service.stop().await;
    });
}

#[test]
fn a_peer_that_does_nothing_but_reset_calls_holds_nobody_up() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let mut connection = Http2::connect(service.rpc).await;
        let reset = |stream| {
            let reset = frame(RESET, 0, stream, &8_u32.to_be_bytes());
            [headers(stream, CHECK), reset].concat()
        };
        let streams = (0..3_000_u32).map(|n| 2 * n + 1);
        connection.send(&streams.flat_map(reset).collect::<Vec<_>>()).await;
        service.stats().await;
        // It is read more slowly, and to the end.
        connection.send(&call(9_001, CHECK)).await;
        answered(&mut connection, 9_001).await;
        service.stop().await;
    });
}

#[test]
fn a_connection_that_takes_all_streams_leaves_some_to_every_other() {
    broker::in_process(async |broker| {
        let settings = ["rpc.max_streams=40", "rpc.max_connections=10"];
        let service = service(broker, &settings).await;
        let mut greedy = Http2::connect(service.rpc).await;
        for n in 0..60 {
            greedy.send(&call(2 * n + 1, WATCH)).await;
        }
        // The last of them is refused.
        answered(&mut greedy, 119).await;
        for _ in 0..3 {
            let mut modest = Http2::connect(service.rpc).await;
            modest.send(&call(1, WATCH)).await;
            modest.wait_for(DATA).await;
        }
        assert!(service.try_get("services", "a").await.is_ok());
        service.stop().await;
    });
}

#[test]
fn a_newcomer_gets_a_place_of_the_peer_that_has_most() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_connections=8"]).await;
        let greedy = Ipv4Addr::new(127, 0, 0, 2).into();
        let mut open = Vec::new();
        for _ in 0..100 {
            open.push(Http2::silent_from(greedy, service.rpc).await);
        }
        let mut newcomer =
            Http2::silent_from(Ipv4Addr::new(127, 0, 0, 3).into(), service.rpc).await;
        newcomer.set_up().await;
        newcomer.send(&call(1, CHECK)).await;
        answered(&mut newcomer, 1).await;
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn only_calls_are_answered() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let mut connection = Http2::connect(service.rpc).await;
        // CONNECT to an authority.
        let connect = [&[0x02, 7][..], b"CONNECT", &[0x01, 1], b"a"].concat();
        connection.send(&frame(HEADERS, 5, 1, &connect)).await;
        answered(&mut connection, 1).await;
        // HTTP/1, and TLS.
        for sent in [&b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"[..], &[22, 3, 1, 0, 40, 1, 0, 0]] {
            let mut other = Http2::silent(service.rpc).await;
            other.send(sent).await;
            if sent[0] == b'G' {
                other.closed().await;
            }
        }
        service.stats().await;
        service.stop().await;
    });
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let mut connection = Http2::connect(service.rpc).await;
        connection.send(&headers(1, CHECK)).await;
        for byte in EMPTY_MESSAGE {
            connection.send(&frame(DATA, 0, 1, &[*byte])).await;
        }
        connection.send(&frame(DATA, END_STREAM, 1, &[])).await;
        answered(&mut connection, 1).await;
        service.stop().await;
    });
}

#[test]
fn many_silent_connections_leave_room_for_callers() {
    broker::in_process(async |broker| {
        let service = service(broker, &["rpc.max_connections=20"]).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(TcpStream::connect(service.rpc).await.unwrap());
        }
        let mut caller = Http2::connect(service.rpc).await;
        caller.send(&call(1, CHECK)).await;
        answered(&mut caller, 1).await;
        drop(silent);
        service.stop().await;
    });
}
