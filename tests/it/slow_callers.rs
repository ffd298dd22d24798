//! Slow callers hold at most `rpc.pool`, and small responses never wait for them.

use std::net::SocketAddr;
use std::time::Duration;

use millpond::proto::v1::{BatchGetRequest, BatchGetResponse, GetStatsResponse};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};
use tonic_prost::ProstCodec;

use crate::stream::event;
use crate::support::broker;
use crate::support::caller::Caller;
use crate::support::service::{PATIENCE, Service};

/// Entries of a response of about 1 MiB, which is nearly all that one connection may hold of the
/// smallest pool.
pub(crate) const LARGE: usize = 18;
const SETTINGS: [&str; 2] = ["tables.0.capacity=64MiB", "rpc.pool=6MiB"];
/// As many such responses fit in the smallest pool.
const FITTING: usize = 4;
const SLOW_CALLERS: usize = 20;
/// Enough lookups that a large response would arrive before all of them if it did not have to wait.
const SMALL_CALLS: usize = 200;

fn keys() -> Vec<String> {
    (0..LARGE).map(|n| format!("key-{n}")).collect()
}

/// A large response whose headers have arrived and whose body is not read.
pub(crate) type Unread = Streaming<BatchGetResponse>;

/// Asks for a large response on a new connection and does not read it.
pub(crate) fn ask_slowly(service: &Service) -> JoinHandle<Unread> {
    ask_slowly_until(service, None)
}

/// The same, with a deadline.
fn ask_slowly_until(service: &Service, deadline: Option<Duration>) -> JoinHandle<Unread> {
    ask_slowly_on(slow_channel(service.rpc), keys(), deadline)
}

/// A connection whose caller takes little of a response before it reads.
pub(crate) fn slow_channel(rpc: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{rpc}")).unwrap();
    endpoint.initial_stream_window_size(16 << 10).connect_lazy()
}

/// Asks for these keys on a connection, and does not read the response.
pub(crate) fn ask_slowly_on(
    channel: Channel,
    keys: Vec<String>,
    deadline: Option<Duration>,
) -> JoinHandle<Unread> {
    let request = BatchGetRequest { table: "services".into(), keys, ..Default::default() };
    tokio::spawn(async move {
        let mut client = Grpc::new(channel);
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/millpond.v1.LookupService/BatchGet");
        let codec = ProstCodec::default();
        // Called as a stream, so that the test can leave the body unread.
        let mut request = tonic::Request::new(request);
        if let Some(deadline) = deadline {
            request.set_timeout(deadline);
        }
        client.server_streaming(request, path, codec).await.unwrap().into_inner()
    })
}

/// Asks so many times for a large response. Whether one comes does not matter.
pub(crate) fn ask_in_vain(service: &Service, times: usize) {
    for _ in 0..times {
        let caller = Caller::of(service.rpc);
        tokio::spawn(async move { caller.try_batch("services", keys()).await });
    }
}

/// Asks for as many large responses as fit in the pool, and reads none of them.
async fn fill_pool(service: &Service, deadline: Option<Duration>) -> Vec<Unread> {
    let mut unread = Vec::new();
    for _ in 0..FITTING {
        let asked = ask_slowly_until(service, deadline);
        unread.push(timeout(PATIENCE, asked).await.unwrap().unwrap());
    }
    unread
}

pub(crate) async fn service_with_large_entries(
    broker: &broker::Broker,
    settings: &[&str],
) -> Service {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, settings).await;
    let text = "x".repeat(60_000);
    let mut events: Vec<_> = keys().iter().map(|key| event(key, &text)).collect();
    events.push(event("small", "still answered"));
    topic.produce(&events);
    service.wait_until_polled(events.len() as u64).await;
    service
}

#[test]
fn slow_callers_hold_no_more_than_the_pool_and_make_room_for_a_caller_that_reads() {
    broker::in_process(async |broker| {
        let service = service_with_large_entries(broker, &SETTINGS).await;
        let mut unread = fill_pool(&service, None).await;
        let waiting: Vec<_> = (FITTING..SLOW_CALLERS).map(|_| ask_slowly(&service)).collect();
        wait_until_looked_up(&service, SLOW_CALLERS).await;

        for _ in 0..SMALL_CALLS {
            let answer = timeout(PATIENCE, service.description("small")).await.unwrap();
            assert_eq!(answer.as_deref(), Some("still answered"));
        }
        let rpc = service.stats().await.rpc.unwrap();
        assert!(rpc.held_bytes > 0 && rpc.held_bytes <= rpc.pool_bytes, "{rpc:?}");

        let answer = timeout(PATIENCE, service.try_batch("services", keys())).await;
        assert_eq!(answer.unwrap().unwrap().results.len(), LARGE);
        let stats = service.stats().await;
        let keys_asked = (SLOW_CALLERS + 1) * LARGE + SMALL_CALLS;
        let hits = stats.tables[0].hit_count.cast_unsigned();
        assert_eq!(hits, keys_asked as u64, "waiting counts no key twice");
        let mut ends = Vec::new();
        for unread in &mut unread {
            ends.push(timeout(PATIENCE, unread.message()).await.unwrap().is_err());
        }
        assert!(ends.contains(&true), "none of the unread responses was dropped");
        waiting.iter().for_each(JoinHandle::abort);
        service.stop().await;
    });
}

#[test]
fn a_response_that_is_not_read_by_its_deadline_gives_its_room_back() {
    broker::in_process(async |broker| {
        let service = service_with_large_entries(broker, &SETTINGS).await;
        let mut unread = fill_pool(&service, Some(Duration::from_secs(3))).await;

        let holds_nothing = |stats: &GetStatsResponse| stats.rpc.as_ref().unwrap().held_bytes == 0;
        service.wait_for("the deadline of all responses", holds_nothing).await;
        for unread in &mut unread {
            let broken = timeout(PATIENCE, unread.message()).await.unwrap();
            assert_eq!(broken.unwrap_err().code(), Code::ResourceExhausted, "its stream was reset");
        }
        service.stop().await;
    });
}

#[test]
fn a_connection_that_reads_nothing_holds_up_no_other_connection() {
    broker::in_process(async |broker| {
        let service = service_with_large_entries(broker, &SETTINGS).await;
        let slow = slow_channel(service.rpc);
        let asked: Vec<_> =
            (0..SLOW_CALLERS).map(|_| ask_slowly_on(slow.clone(), keys(), None)).collect();
        wait_until_looked_up(&service, SLOW_CALLERS).await;
        let answered = asked.iter().filter(|call| call.is_finished()).count();
        assert!(answered <= 1, "{answered} responses are sent on one connection");

        let answer = timeout(PATIENCE, service.try_batch("services", keys())).await;
        assert_eq!(answer.unwrap().unwrap().results.len(), LARGE);
        asked.iter().for_each(JoinHandle::abort);
        service.stop().await;
    });
}

/// Waits until the keys of this many large responses were looked up.
async fn wait_until_looked_up(service: &Service, answers: usize) {
    let hits = (answers * LARGE) as u64;
    service.wait_for("lookups", |stats| stats.tables[0].hit_count.cast_unsigned() >= hits).await;
}
