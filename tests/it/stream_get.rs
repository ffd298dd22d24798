//! `StreamGet`: many lookups on one stream, each answered with its tag, until something ends it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures_util::stream;
use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::stream_get_response::Outcome;
use millpond::proto::v1::{
    ErrorReason, Freshness, GetRequest, GetStatsResponse, LookupError, MissReason, PartitionOffset,
    StreamGetRequest, StreamGetResponse, lookup_result,
};
use prost::Message;
use tokio::sync::mpsc::{Sender, channel as bounded};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::access::guarded::{Guarded, TESTS, authorized};
use crate::lookups::assert_error;
use crate::slow_callers::slow_channel;
use crate::stream::event;
use crate::support::broker;
use crate::support::http2::{self, Http2};
use crate::support::service::{PATIENCE, Service};

/// More than any test sends at once.
const MAX_UNSENT: usize = 4_096;

/// A stream of lookups, from its caller's side.
struct Lookups {
    requests: Sender<StreamGetRequest>,
    responses: Streaming<StreamGetResponse>,
}

impl Lookups {
    async fn open(channel: Channel) -> Self {
        Self::open_as(channel, None).await
    }

    async fn open_as(channel: Channel, token: Option<&str>) -> Self {
        let (requests, mut sent) = bounded(MAX_UNSENT);
        let sent = stream::poll_fn(move |cx| sent.poll_recv(cx));
        let mut client = LookupServiceClient::new(channel);
        let opened = client.stream_get(authorized(sent, token)).await;
        Self { requests, responses: opened.unwrap().into_inner() }
    }

    fn ask(&self, tag: i64, get: GetRequest) {
        // A stream that has ended says why when it is read.
        let _ = self.requests.try_send(StreamGetRequest { tag, get: Some(get) });
    }

    async fn next(&mut self) -> Result<Option<StreamGetResponse>, Status> {
        timeout(PATIENCE, self.responses.message()).await.expect("an answer in time")
    }

    async fn answer(&mut self) -> (i64, Outcome) {
        let StreamGetResponse { tag, outcome } = self.next().await.unwrap().expect("an answer");
        (tag, outcome.unwrap())
    }

    async fn end(mut self) -> Status {
        loop {
            match self.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok("ended"),
                Err(status) => return status,
            }
        }
    }
}

fn channel(rpc: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{rpc}")).unwrap().connect_lazy()
}

fn get(key: &str) -> GetRequest {
    GetRequest { table: "services".into(), key: key.into(), ..GetRequest::default() }
}

/// The same once the record at this offset of partition 0 is handled.
fn get_after(key: &str, offset: i64) -> GetRequest {
    let min_positions = vec![PartitionOffset { partition: 0, offset }];
    let freshness = Some(Freshness { min_positions, ..Freshness::default() });
    GetRequest { freshness, ..get(key) }
}

/// The key of the entry that was found, or why there is none.
fn found(outcome: Outcome) -> Result<String, MissReason> {
    let Outcome::Response(response) = outcome else { panic!("{outcome:?}") };
    assert!(response.as_of.unwrap().ready);
    match response.result.unwrap().outcome.unwrap() {
        lookup_result::Outcome::Entry(entry) => Ok(entry.key),
        lookup_result::Outcome::Miss(miss) => Err(miss.reason()),
    }
}

fn error(outcome: Outcome) -> LookupError {
    let Outcome::Error(error) = outcome else { panic!("{outcome:?}") };
    error
}

#[test]
fn each_lookup_is_answered_once_with_its_tag() {
    const LOOKUPS: i64 = 2_000;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&(0..100).map(|n| event(&format!("k{n}"), "text")).collect::<Vec<_>>());
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        service.wait_until_polled(100).await;
        let mut lookups = Lookups::open(channel(service.rpc)).await;
        for tag in 0..LOOKUPS {
            lookups.ask(tag, get(&format!("k{}", tag % 150)));
        }
        for tag in 0..LOOKUPS {
            let expected = format!("k{}", tag % 150);
            let expected = if tag % 150 < 100 { Ok(expected) } else { Err(MissReason::NeverSeen) };
            let (answered, outcome) = lookups.answer().await;
            assert_eq!((answered, found(outcome)), (tag, expected));
        }
        let Lookups { requests, mut responses } = lookups;
        drop(requests);
        assert!(responses.message().await.unwrap().is_none(), "it ends with its requests");
        let stats = service.stats().await;
        assert_eq!(stats.tables[0].hit_count + stats.tables[0].miss_count, LOOKUPS);
        let callers = &stats.rpc.unwrap().callers;
        let of_table = callers.iter().find(|caller| caller.table == "services").unwrap();
        assert_eq!((of_table.key_count, of_table.call_count), (LOOKUPS, 0), "{callers:?}");
        service.stop().await;
    });
}

#[test]
fn a_wrong_lookup_is_answered_with_its_error_and_ends_nothing() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut lookups = Lookups::open(channel(service.rpc)).await;
        lookups.ask(-1, GetRequest { table: "orders".into(), ..get("a") });
        lookups.ask(-2, get(""));
        lookups.ask(-3, GetRequest::default());
        lookups.ask(-4, GetRequest { fields: vec!["colour".into()], ..get("a") });
        lookups.ask(i64::MAX, get("a"));
        let mut errors = BTreeMap::new();
        for _ in 0..4 {
            let (tag, outcome) = lookups.answer().await;
            let error = error(outcome);
            assert!(!error.message.is_empty() && error.retry_delay.is_none(), "{error:?}");
            errors.insert(tag, (Code::from(error.code), error.reason()));
        }
        let invalid = (Code::InvalidArgument, ErrorReason::InvalidRequest);
        let unknown = (Code::NotFound, ErrorReason::TableNotFound);
        assert_eq!(errors, [(-1, unknown), (-2, invalid), (-3, invalid), (-4, invalid)].into());
        let (tag, outcome) = lookups.answer().await;
        assert_eq!((tag, found(outcome)), (i64::MAX, Err(MissReason::NeverSeen)));
        drop(lookups);
        service.stop().await;
    });
}

#[test]
fn a_lookup_that_waits_for_a_position_is_overtaken_and_its_tag_is_taken() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut lookups = Lookups::open(channel(service.rpc)).await;
        lookups.ask(1, get_after("a", 1));
        lookups.ask(2, get("a"));
        let (tag, outcome) = lookups.answer().await;
        assert_eq!((tag, found(outcome)), (2, Err(MissReason::NeverSeen)));
        topic.produce(&[event("a", "first"), event("a", "second")]);
        let (tag, outcome) = lookups.answer().await;
        assert_eq!((tag, found(outcome)), (1, Ok("a".into())));

        lookups.ask(1, get_after("a", 9));
        lookups.ask(1, get("a"));
        let status = lookups.end().await;
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert!(status.message().contains("tag 1 is"), "{status:?}");
        service.stop().await;
    });
}

#[test]
fn only_so_many_lookups_wait_and_the_others_are_not_read_until_then() {
    const WAITING: i64 = 100;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut lookups = Lookups::open(channel(service.rpc)).await;
        for tag in 0..WAITING {
            lookups.ask(tag, get_after("a", 0));
        }
        lookups.ask(WAITING, get("a"));
        topic.produce(&[event("a", "text")]);
        let mut tags = Vec::new();
        for _ in 0..=WAITING {
            let (tag, outcome) = lookups.answer().await;
            assert_eq!(found(outcome), Ok("a".into()), "{tag}");
            tags.push(tag);
        }
        tags.sort_unstable();
        assert_eq!(tags, (0..=WAITING).collect::<Vec<_>>());
        service.stop().await;
    });
}

#[test]
fn lookups_that_wait_take_room_of_the_byte_pool() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = ["rpc.pool=6MiB", "ingest.max_key=64KiB"];
        let service = Service::ready(broker, &topic, &settings).await;
        let lookups = Lookups::open(channel(service.rpc)).await;
        for tag in 0..20 {
            lookups.ask(tag, get_after(&"k".repeat(60_000), 0));
        }
        let status = lookups.end().await;
        assert_error(&status, Code::ResourceExhausted, ErrorReason::BytePoolFull);
        let held = |stats: &GetStatsResponse| stats.rpc.as_ref().unwrap().held_bytes;
        service.wait_for("the end of the stream", |stats| held(stats) == 0).await;
        service.stop().await;
    });
}

#[test]
fn a_caller_that_does_not_read_may_send_a_thousand_lookups_and_others_are_served() {
    // Each takes a frame of its own, as most clients send them.
    const LOOKUPS: i64 = 1_000;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", &"x".repeat(10_000))]);
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        service.wait_until_polled(1).await;
        let mut slow = Lookups::open(slow_channel(service.rpc)).await;
        for tag in 0..LOOKUPS {
            slow.ask(tag, get("a"));
        }
        let looked_up = |stats: &GetStatsResponse| stats.tables[0].hit_count;
        service.wait_for("the first lookups", |stats| looked_up(stats) > 0).await;
        let mut other = Lookups::open(channel(service.rpc)).await;
        for tag in 0..100 {
            other.ask(tag, get("a"));
            assert_eq!(other.answer().await.0, tag);
        }
        let stats = service.stats().await;
        assert!(looked_up(&stats) < 300, "{} lookups were made", looked_up(&stats));
        let held_bytes = stats.rpc.unwrap().held_bytes;
        assert!(held_bytes < 512 << 10, "{held_bytes}");
        for tag in 0..LOOKUPS {
            assert_eq!(slow.answer().await.0, tag);
        }
        drop((slow, other));
        service.stop().await;
    });
}

#[test]
fn lookups_that_come_at_once_in_a_frame_each_are_all_answered() {
    const LOOKUPS: usize = 900;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut peer = Http2::connect(service.rpc).await;
        let mut sent = http2::headers(1, "/millpond.v1.LookupService/StreamGet");
        for _ in 0..LOOKUPS {
            let message = StreamGetRequest { tag: 0, get: Some(get("a")) }.encode_to_vec();
            let length = u8::try_from(message.len()).unwrap();
            let framed = [&[0, 0, 0, 0, length][..], &message].concat();
            sent.extend(http2::frame(http2::DATA, 0, 1, &framed));
        }
        peer.send(&sent).await;
        let (mut bytes, mut answers) = (Vec::new(), 0);
        while answers < LOOKUPS {
            let frame = peer.next().await.expect("a frame");
            assert_ne!(frame.kind, http2::GO_AWAY, "{:?}", String::from_utf8_lossy(&frame.payload));
            if frame.kind == http2::DATA {
                bytes.extend(frame.payload);
            }
            while let Some((head, rest)) = bytes.split_first_chunk::<5>()
                && let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize
                && rest.len() >= length
            {
                bytes = rest[length..].to_vec();
                answers += 1;
            }
        }
        service.stop().await;
    });
}

#[test]
fn a_caller_that_leaves_too_much_unanswered_loses_its_stream_and_not_its_connection() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", &"x".repeat(10_000))]);
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        service.wait_until_polled(1).await;
        let slow = slow_channel(service.rpc);
        let lookups = Lookups::open(slow.clone()).await;
        for tag in 0..4_000 {
            lookups.ask(tag, get("a"));
        }
        let status = lookups.end().await;
        assert_error(&status, Code::ResourceExhausted, ErrorReason::TooManyUnanswered);
        let mut after = Lookups::open(slow).await;
        after.ask(1, get("a"));
        assert_eq!(found(after.answer().await.1), Ok("a".into()));
        // That of the lookups, and that of the statistics.
        assert_eq!(service.stats().await.rpc.unwrap().admitted_connection_count, 2);
        service.stop().await;
    });
}

#[test]
fn a_stream_ends_when_the_service_stops() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        let mut lookups = Lookups::open(channel(service.rpc)).await;
        lookups.ask(1, get("a"));
        lookups.answer().await;
        let ended = service.ask_to_stop();
        assert_error(&lookups.end().await, Code::Unavailable, ErrorReason::Draining);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn each_lookup_needs_the_right_to_its_table() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "StreamGet", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        let mut lookups = Lookups::open_as(channel(guarded.service.rpc), Some("secret")).await;
        lookups.ask(1, GetRequest { table: "others".into(), ..get("a") });
        lookups.ask(2, get("a"));
        let (tag, outcome) = lookups.answer().await;
        assert_eq!((tag, error(outcome).reason()), (1, ErrorReason::PermissionDenied));
        assert_eq!(lookups.answer().await.0, 2);
        drop(lookups);
        guarded.service.stop().await;
    });
}
