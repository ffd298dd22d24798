//! `Watch`: the changes of a table as they are made, and a copy that is kept by them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::watch_event::Event;
use millpond::proto::v1::{
    Entry, ErrorReason, GetStatsResponse, PartitionOffset, RemovalCause, WatchRequest,
    WatchResponse, WatchStarted,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::lookups::{assert_error, violated_fields};
use crate::scan::all_entries;
use crate::slow_callers::slow_channel;
use crate::stream::event;
use crate::support::broker::{self, Message};
use crate::support::service::{PATIENCE, Service};

const INTERVAL: Duration = Duration::from_millis(100);

fn channel(rpc: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{rpc}")).unwrap().connect_lazy()
}

fn all() -> WatchRequest {
    WatchRequest {
        table: "services".into(),
        progress_interval: Some(INTERVAL.try_into().unwrap()),
        ..WatchRequest::default()
    }
}

fn with_current() -> WatchRequest {
    WatchRequest { include_current: true, ..all() }
}

/// A watch, from its caller's side.
struct Watching {
    responses: Streaming<WatchResponse>,
    events: Vec<Event>,
    token: String,
}

impl Watching {
    async fn open(service: &Service, request: WatchRequest) -> Result<Self, Status> {
        Self::open_on(channel(service.rpc), request).await
    }

    async fn open_on(channel: Channel, request: WatchRequest) -> Result<Self, Status> {
        let opened = LookupServiceClient::new(channel).watch(request).await?;
        let (responses, token) = (opened.into_inner(), String::new());
        Ok(Self { responses, events: Vec::new(), token })
    }

    async fn next(&mut self) -> Result<Event, Status> {
        while self.events.is_empty() {
            let response = timeout(PATIENCE, self.responses.message()).await.expect("an event");
            let response = response?.expect("a watch does not end by itself");
            self.token = response.resume_token;
            self.events = response.events.into_iter().rev().map(|one| one.event.unwrap()).collect();
        }
        Ok(self.events.pop().unwrap())
    }

    async fn started(&mut self) -> WatchStarted {
        match self.next().await {
            Ok(Event::Started(started)) => started,
            other => panic!("{other:?}"),
        }
    }

    /// The next event that is no progress, in a word.
    async fn next_change(&mut self) -> String {
        loop {
            return match self.next().await.unwrap() {
                Event::Started(started) => panic!("{started:?}"),
                Event::Progress(_) => continue,
                Event::Current(entry) => format!("current {}", at(&entry)),
                Event::SnapshotComplete(_) => "complete".into(),
                Event::Stored(stored) if stored.replaced => {
                    format!("replaced {}", at(&stored.entry.unwrap()))
                }
                Event::Stored(stored) => format!("stored {}", at(&stored.entry.unwrap())),
                Event::Removed(removed) => {
                    let by =
                        removed.deleted_by.map_or(String::new(), |by| format!(" by {}", by.offset));
                    assert!(removed.expire_time.is_some());
                    let offset = removed.origin.as_ref().unwrap().offset;
                    format!("{:?} {}@{offset}{by}", removed.cause(), removed.key)
                }
            };
        }
    }

    async fn next_changes<const N: usize>(&mut self) -> [String; N] {
        let mut changes = [const { String::new() }; N];
        for change in &mut changes {
            *change = self.next_change().await;
        }
        changes
    }

    /// Waits until nothing that this record or an earlier one changed is still to come. Fails if a
    /// change comes before.
    async fn reach(&mut self, offset: i64) {
        loop {
            match self.next().await.unwrap() {
                Event::Progress(progress) => {
                    let reached = |position: &PartitionOffset| position.offset >= offset;
                    if progress.positions.iter().any(reached) {
                        assert!(progress.as_of.unwrap().ready);
                        return;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn end(&mut self) -> (Vec<Event>, Status) {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Ok(event) => events.push(event),
                Err(status) => return (events, status),
            }
        }
    }
}

fn tombstone(key: &str) -> Message {
    Message { payload: None, ..event(key, "") }
}

fn at(entry: &Entry) -> String {
    format!("{}@{}", entry.key, entry.origin.as_ref().unwrap().offset)
}

#[test]
fn a_watch_tells_each_change_with_its_cause_and_how_far_it_has_come() {
    broker::in_process(async |broker| {
        for store in ["moka", "compact"] {
            let topic = broker.create_topic(1).await;
            topic.produce(&[event("a", "before")]);
            let store = format!("tables.0.store={store}");
            let settings = ["ingest.start=earliest", "tables.0.ttl=3s", &store];
            let service = Service::ready(broker, &topic, &settings).await;
            let mut from_now = Watching::open(&service, all()).await.unwrap();
            let mut copy = Watching::open(&service, with_current()).await.unwrap();
            let (of_now, of_copy) = (from_now.started().await, copy.started().await);
            assert!(!of_now.resumed && !of_now.sends_current && of_now.as_of.unwrap().ready);
            assert!(!of_copy.resumed && of_copy.sends_current);
            assert_eq!(copy.next_changes().await, ["current a@0", "complete"]);
            topic.produce(&[event("a", "replaced"), tombstone("a"), event("b", "text")]);
            for watching in [&mut from_now, &mut copy] {
                let changes = watching.next_changes().await;
                assert_eq!(changes, ["replaced a@1", "Deleted a@1 by 2", "stored b@3"]);
                watching.reach(3).await;
                assert_eq!(watching.next_change().await, "Expired b@3");
            }
            service.stop().await;
        }
    });
}

#[test]
fn a_watch_goes_on_where_another_ended_and_says_if_it_cannot() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        let mut first = Watching::open(&service, with_current()).await.unwrap();
        first.started().await;
        topic.produce(&[event("a", "text"), event("b", "text")]);
        assert_eq!(first.next_changes().await, ["complete", "stored a@0", "stored b@1"]);
        first.reach(1).await;
        let resume_token = first.token.clone();
        drop(first);
        topic.produce(&[event("c", "text")]);
        service.wait_until_polled(3).await;
        let request = WatchRequest { resume_token, ..with_current() };
        let mut second = Watching::open(&service, request.clone()).await.unwrap();
        let started = second.started().await;
        assert!(started.resumed && !started.sends_current);
        assert_eq!(second.next_change().await, "stored c@2");
        second.reach(2).await;

        let of_prefix = WatchRequest { prefix: "a".into(), ..request.clone() };
        let refused = Watching::open(&service, of_prefix).await.err().unwrap();
        assert_eq!(violated_fields(&refused), ["resume_token"]);
        drop(second);
        service.stop().await;

        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        service.wait_until_polled(3).await;
        let only_new = WatchRequest { include_current: false, ..request.clone() };
        let gone = Watching::open(&service, only_new).await.err().unwrap();
        assert_error(&gone, Code::OutOfRange, ErrorReason::WatchPositionGone);
        let mut third = Watching::open(&service, request).await.unwrap();
        let started = third.started().await;
        assert!(!started.resumed && started.sends_current);
        let mut current: [String; 3] = third.next_changes().await;
        current.sort_unstable();
        assert_eq!(current, ["current a@0", "current b@1", "current c@2"]);
        assert_eq!(third.next_change().await, "complete");
        service.stop().await;
    });
}

#[test]
fn a_watch_is_about_the_keys_or_the_prefix_that_its_caller_names() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&["a/1", "a/2", "b/1"].map(|key| event(key, "text")));
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        service.wait_until_polled(3).await;
        let keys = vec!["b/1".into(), "absent".into(), "a/2".into(), "b/1".into()];
        let of_keys = WatchRequest { keys, ..with_current() };
        let of_prefix = WatchRequest { prefix: "a/".into(), ..with_current() };
        let mut of_keys = Watching::open(&service, of_keys).await.unwrap();
        let mut of_prefix = Watching::open(&service, of_prefix).await.unwrap();
        for (watching, expected) in [
            (&mut of_keys, ["current a/2@1", "current b/1@2"]),
            (&mut of_prefix, ["current a/1@0", "current a/2@1"]),
        ] {
            watching.started().await;
            let mut current: [String; 2] = watching.next_changes().await;
            current.sort_unstable();
            assert_eq!(current, expected);
            assert_eq!(watching.next_change().await, "complete");
        }
        topic.produce(&["a/1", "b/1", "c/1"].map(|key| event(key, "again")));
        assert_eq!(of_keys.next_change().await, "replaced b/1@4");
        of_keys.reach(5).await;
        assert_eq!(of_prefix.next_change().await, "replaced a/1@3");
        of_prefix.reach(5).await;

        let both = WatchRequest { keys: vec!["a".into()], prefix: "a".into(), ..all() };
        let refused = async |request| Watching::open(&service, request).await.err().unwrap();
        assert_eq!(violated_fields(&refused(both).await), ["prefix"]);
        let many = WatchRequest { keys: vec!["a".into(); 1_001], ..all() };
        assert_eq!(violated_fields(&refused(many).await), ["keys"]);
        let broken = WatchRequest { keys: vec![String::new()], resume_token: "x".into(), ..all() };
        assert_eq!(violated_fields(&refused(broken).await), ["keys[0]"]);
        let unknown = WatchRequest { table: "orders".into(), ..all() };
        assert_error(&refused(unknown).await, Code::NotFound, ErrorReason::TableNotFound);
        drop((of_keys, of_prefix));
        service.stop().await;
    });
}

#[test]
fn a_watcher_that_does_not_read_is_overtaken_and_told_how_far_it_came() {
    const RECORDS: i64 = 2_000;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = ["rpc.watch_buffer=1MiB", "tables.0.store=compact"];
        let service = Service::ready(broker, &topic, &settings).await;
        let slow = slow_channel(service.rpc);
        let mut slow = Watching::open_on(slow, all()).await.unwrap();
        slow.started().await;
        let mut fast = Watching::open(&service, all()).await.unwrap();
        fast.started().await;
        // Each time no more than there is room for.
        for first in (0..RECORDS).step_by(200) {
            let numbers = first..first + 200;
            let record = |number| event(&format!("k{number}"), &"x".repeat(1_000));
            topic.produce(&numbers.clone().map(record).collect::<Vec<_>>());
            for number in numbers {
                assert_eq!(fast.next_change().await, format!("stored k{number}@{number}"));
            }
        }
        let (events, status) = slow.end().await;
        assert_error(&status, Code::Aborted, ErrorReason::WatchOvertaken);
        let mut told = 0;
        for event in &events {
            if let Event::Stored(stored) = event {
                assert_eq!(stored.entry.as_ref().unwrap().origin.as_ref().unwrap().offset, told);
                told += 1;
            }
        }
        assert!(told < RECORDS, "{told}");
        let Some(Event::Progress(last)) = events.last() else { panic!("{:?}", events.last()) };
        assert!(last.positions.iter().all(|position| position.offset < told), "{last:?}, {told}");
        drop((slow, fast));
        service.stop().await;
    });
}

/// A copy of a table that is kept by a watch.
#[derive(Default)]
struct Copy {
    entries: BTreeMap<String, Entry>,
    is_complete: bool,
    /// How many records the table had handled of all partitions.
    handled: i64,
}

impl Copy {
    /// Takes note of an event. Once the copy is complete, fails if a change comes twice.
    fn apply(&mut self, event: Event) {
        match event {
            Event::Current(entry) => {
                self.entries.insert(entry.key.clone(), entry);
            }
            Event::SnapshotComplete(_) => self.is_complete = true,
            Event::Stored(stored) => {
                let entry = stored.entry.unwrap();
                let known = self.entries.insert(entry.key.clone(), entry.clone());
                let is_same = known.is_some_and(|known| known.origin == entry.origin);
                assert!(!self.is_complete || !is_same, "{entry:?} came twice");
            }
            Event::Removed(removed) => {
                let known = self.entries.remove(&removed.key);
                assert!(!self.is_complete || known.unwrap().origin == removed.origin);
                assert_ne!(removed.cause(), RemovalCause::Replaced);
            }
            Event::Progress(progress) => {
                self.handled = progress.positions.iter().map(|position| position.offset + 1).sum();
            }
            Event::Started(started) => panic!("{started:?}"),
        }
    }
}

#[test]
fn a_copy_that_is_kept_by_a_watch_has_what_the_table_has_when_changes_come_fast() {
    const RECORDS: u32 = 30_000;
    fn records(numbers: Range<u32>) -> Vec<Message> {
        let record = |number: u32| {
            let key = format!("k{}", number * 7_919 % 5_000);
            let is_tombstone = number.is_multiple_of(5);
            if is_tombstone { tombstone(&key) } else { event(&key, &format!("text {number}")) }
        };
        numbers.map(record).collect()
    }
    broker::in_process(async |broker| {
        let topic = broker.create_topic(3).await;
        let settings =
            ["rpc.watch_buffer=64MiB", "tables.0.capacity=2MiB", "ingest.start=earliest"];
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&records(0..RECORDS / 2));
        let mut watching = Watching::open(&service, with_current()).await.unwrap();
        watching.started().await;
        topic.produce(&records(RECORDS / 2..RECORDS));
        let mut copy = Copy::default();
        while copy.handled < i64::from(RECORDS) {
            copy.apply(watching.next().await.unwrap());
        }
        assert_eq!(copy.entries, all_entries(&service).await);
        service.stop().await;
    });
}

#[test]
fn a_watch_ends_when_the_service_stops() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["shutdown.deadline=1h"]).await;
        let mut watching = Watching::open(&service, all()).await.unwrap();
        watching.started().await;
        let ended = service.ask_to_stop();
        assert_error(&watching.end().await.1, Code::Unavailable, ErrorReason::Draining);
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn many_watchers_hold_little_and_each_is_told() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let (channel, mut watching) = (channel(service.rpc), Vec::new());
        for _ in 0..100 {
            let mut one = Watching::open_on(channel.clone(), all()).await.unwrap();
            one.started().await;
            watching.push(one);
        }
        topic.produce(&[event("a", "text")]);
        for one in &mut watching {
            assert_eq!(one.next_change().await, "stored a@0");
        }
        let is_little =
            |stats: &GetStatsResponse| stats.rpc.as_ref().unwrap().held_bytes < 64 << 10;
        service.wait_for("little memory", is_little).await;
        drop(watching);
        service.stop().await;
    });
}

#[test]
fn progress_says_how_long_after_the_request_it_was_so() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let asked = Instant::now();
        let mut watch = Watching::open(&service, all()).await.unwrap();
        watch.started().await;
        let mut before = Duration::ZERO;
        for _ in 0..3 {
            let Event::Progress(progress) = watch.next().await.unwrap() else { panic!("a change") };
            let since_start = Duration::try_from(progress.since_start.unwrap()).unwrap();
            assert!(before + INTERVAL <= since_start && since_start < asked.elapsed());
            before = since_start;
        }
        service.stop().await;
    });
}
