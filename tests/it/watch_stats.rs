//! `WatchStats`: snapshots as they come, shared by all who watch, until something ends them.

use std::collections::BTreeSet;
use std::time::Duration;

use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{ErrorReason, GetStatsResponse, WatchStatsRequest, WatchStatsResponse};
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::access::guarded::{Guarded, TESTS, authorized, write_tokens};
use crate::lookups::assert_error;
use crate::slow_callers::slow_channel;
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{PATIENCE, Service, polled};

type Watch = Streaming<WatchStatsResponse>;

async fn watch(service: &Service) -> Watch {
    let mut client = StatsServiceClient::new(service.channel());
    client.watch_stats(WatchStatsRequest::default()).await.unwrap().into_inner()
}

async fn try_next(watch: &mut Watch) -> Result<GetStatsResponse, Status> {
    let message = timeout(PATIENCE, watch.message()).await.expect("a snapshot in time")?;
    Ok(message.expect("a stream ends with an error alone").snapshot.unwrap())
}

async fn next(watch: &mut Watch) -> GetStatsResponse {
    try_next(watch).await.unwrap()
}

/// The status that the watch ends with.
async fn end_of(mut watch: Watch) -> Status {
    loop {
        if let Err(status) = try_next(&mut watch).await {
            return status;
        }
    }
}

#[test]
fn a_watch_shows_at_once_what_get_stats_shows_and_then_what_changes() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "first")]);
        let service = Service::ready(broker, &topic, &[]).await;
        service.wait_until_polled(1).await;
        let mut watch = watch(&service).await;
        let (first, asked) = (next(&mut watch).await, service.stats().await);
        assert_eq!((first.start_time, polled(&first)), (asked.start_time, 1));
        topic.produce(&[event("b", "second")]);
        while polled(&next(&mut watch).await) < 2 {}
        drop(watch);
        service.stop().await;
    });
}

#[test]
fn those_who_watch_share_the_snapshots() {
    const WATCHERS: usize = 20;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut watches = Vec::new();
        for _ in 0..WATCHERS {
            watches.push(watch(&service).await);
        }
        for watch in &mut watches {
            next(watch).await;
        }
        let mut uptimes = BTreeSet::new();
        for watch in &mut watches {
            let uptime = next(watch).await.uptime.unwrap();
            uptimes.insert((uptime.seconds, uptime.nanos));
        }
        // They began within some ticks, and each tick has one snapshot.
        assert!(uptimes.len() <= WATCHERS / 2, "{uptimes:?}");
        let all = service.stats().await.rpc.unwrap().open_call_count;
        assert!(all > i64::try_from(WATCHERS).unwrap(), "{all}");
        drop(watches);
        service.wait_for("the ends", |stats| stats.rpc.as_ref().unwrap().open_call_count < 2).await;
        service.stop().await;
    });
}

#[test]
fn a_watcher_that_reads_slowly_gets_the_newest_snapshot_and_no_old_ones() {
    const TICKS: usize = 5;
    broker::in_process(async |broker| {
        // So many partitions that one snapshot is more than the caller takes unread.
        let topic = broker.create_topic(400).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut client = Grpc::new(slow_channel(service.rpc));
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/millpond.v1.StatsService/WatchStats");
        let codec = ProstCodec::<WatchStatsRequest, WatchStatsResponse>::default();
        let request = Request::new(WatchStatsRequest::default());
        let opened = client.server_streaming(request, path, codec).await;
        let mut watch = opened.unwrap().into_inner();
        let held = |stats: &GetStatsResponse| stats.rpc.as_ref().unwrap().held_bytes;
        service.wait_for("a snapshot on its way", |stats| held(stats) > 0).await;

        let mut other = self::watch(&service).await;
        for _ in 0..TICKS {
            next(&mut other).await;
        }
        topic.produce(&[event("a", "new")]);
        service.wait_until_polled(1).await;
        let held_bytes = held(&service.stats().await);
        assert!(held_bytes < 256 << 10, "one snapshot, and no queue of them: {held_bytes}");
        let mut old = 0;
        while polled(&next(&mut watch).await) == 0 {
            old += 1;
        }
        // The transport has taken a part of one, and perhaps of the next.
        assert!(old <= 2, "{old} snapshots waited, and {TICKS} were taken for others");
        drop((watch, other));
        service.stop().await;
    });
}

#[test]
fn a_watch_ends_when_the_service_stops_and_sends_its_caller_elsewhere() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        // The deadline is never reached: an open watch must not delay the end.
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        let mut watch = watch(&service).await;
        next(&mut watch).await;
        let ended = service.ask_to_stop();
        assert_error(&end_of(watch).await, Code::Unavailable, ErrorReason::Draining);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_watch_with_a_deadline_ends_by_it() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let mut client = StatsServiceClient::new(service.channel());
        let mut request = Request::new(WatchStatsRequest::default());
        request.set_timeout(Duration::from_secs(3));
        let watch = client.watch_stats(request).await.unwrap().into_inner();
        assert_error(&end_of(watch).await, Code::DeadlineExceeded, ErrorReason::StreamDeadline);
        service.stop().await;
    });
}

#[test]
fn a_watch_ends_when_its_token_counts_no_more() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "WatchStats", "*"), ("token:admin", "*", "*")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        let mut client = StatsServiceClient::new(guarded.service.channel());
        let request = |token| authorized(WatchStatsRequest::default(), token);
        let denied = client.watch_stats(request(None)).await.unwrap_err();
        assert_error(&denied, Code::Unauthenticated, ErrorReason::Unauthenticated);
        let mut watches = Vec::new();
        for token in ["secret", "admin-secret"] {
            let opened = client.watch_stats(request(Some(token))).await;
            watches.push(opened.unwrap().into_inner());
        }
        write_tokens(guarded.folder.path(), &[("admin", "admin-secret")]);
        let [web, mut admin] = watches.try_into().unwrap();
        let status = end_of(web).await;
        assert_error(&status, Code::Unauthenticated, ErrorReason::Unauthenticated);
        next(&mut admin).await;
        next(&mut admin).await;
        drop(admin);
        guarded.service.stop().await;
    });
}
