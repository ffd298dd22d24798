//! The changes of a table.

use std::collections::VecDeque;
use std::time::Duration;

use millpond_client::v1::watch_event::Event;
use millpond_client::v1::{
    Entry, PartitionOffset, RemovalCause, RemovedEntry, StoredEntry, WatchRequest, WatchStarted,
};
use millpond_client::{Client, ConnectOptions, Watch};
use tokio::time::timeout;

use crate::answers::{fields, offset, position, text};
use crate::control::{self, Position};
use crate::relay::Relay;
use crate::services::{PATIENCE, alone, shared, variable};

/// The events of a watch, one by one.
struct Events {
    watch: Watch,
    received: VecDeque<Event>,
}

impl Events {
    fn of(client: &Client, request: WatchRequest) -> Self {
        Self { watch: client.watch(request), received: VecDeque::new() }
    }

    /// The next event of a kind. Leaves out all that are of no concern.
    async fn next<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        let picked = async {
            loop {
                match self.received.pop_front().map(&pick) {
                    Some(Some(picked)) => return picked,
                    Some(None) => {}
                    None => {
                        let events = self.watch.next().await.unwrap().events;
                        self.received.extend(events.into_iter().filter_map(|each| each.event));
                    }
                }
            }
        };
        timeout(PATIENCE, picked).await.expect("no such event came")
    }

    async fn started(&mut self) -> WatchStarted {
        self.next(|event| if let Event::Started(started) = event { Some(started) } else { None })
            .await
    }

    async fn current(&mut self) -> Entry {
        self.next(|event| if let Event::Current(entry) = event { Some(entry) } else { None }).await
    }

    async fn snapshot_complete(&mut self) {
        self.next(|event| matches!(event, Event::SnapshotComplete(_)).then_some(())).await;
    }

    async fn stored(&mut self) -> StoredEntry {
        self.next(|event| if let Event::Stored(stored) = event { Some(stored) } else { None }).await
    }

    async fn removed(&mut self) -> RemovedEntry {
        self.next(|event| if let Event::Removed(removed) = event { Some(removed) } else { None })
            .await
    }

    /// Waits until the service says that the watch has come so far. Other tests take it further.
    async fn reaches(&mut self, (partition, offset): Position) {
        let is_reached = |at: &PartitionOffset| at.partition == partition && at.offset >= offset;
        let pick = |event| match event {
            Event::Progress(progress) => progress.positions.iter().any(is_reached).then_some(()),
            _ => None,
        };
        self.next(pick).await;
    }
}

fn watch(prefix: &str) -> WatchRequest {
    WatchRequest { table: "live".into(), prefix: prefix.into(), ..WatchRequest::default() }
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_watch_sends_current_entries_and_then_changes() {
    let (client, _shared) = shared().await;
    control::put("live", "rust-watch", r#"{"name": "current"}"#).await;
    let mut events = Events::of(
        &client,
        WatchRequest {
            include_current: true,
            fields: vec!["name".into()],
            progress_interval: Duration::from_millis(100).try_into().ok(),
            ..watch("rust-watch")
        },
    );
    let started = events.started().await;
    assert!(!started.resumed && started.sends_current && started.as_of.unwrap().ready);
    let current = events.current().await;
    assert_eq!(
        (&*current.key, current.fields),
        ("rust-watch", fields([("name", text("current"))]))
    );
    events.snapshot_complete().await;

    let put = control::put("live", "rust-watch", r#"{"name": "changed", "size": 1}"#).await;
    let StoredEntry { entry, replaced } = events.stored().await;
    let entry = entry.unwrap();
    assert_eq!((position(entry.origin), replaced), (put, true));
    assert_eq!(entry.fields, fields([("name", text("changed"))]));
    events.reaches(put).await;
    let tombstone = control::delete("live", "rust-watch").await;
    let removed = events.removed().await;
    assert_eq!((&*removed.key, removed.cause()), ("rust-watch", RemovalCause::Deleted));
    assert_eq!(removed.deleted_by, Some(offset(tombstone)));
    assert_eq!(position(removed.origin), put);
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_watch_goes_on_after_a_restart_and_says_that_it_begins_anew() {
    let (client, _alone) = alone().await;
    control::put("live", "rust-restart-a", "{}").await;
    let request = WatchRequest { include_current: true, ..watch("rust-restart-") };
    let mut events = Events::of(&client, request);
    assert!(!events.started().await.resumed);
    assert_eq!(events.current().await.key, "rust-restart-a");
    let (started, ()) = tokio::join!(events.started(), control::order("restart"));
    assert!(!started.resumed && started.sends_current, "{started:?}");
    assert_eq!(events.current().await.key, "rust-restart-a");
    control::put("live", "rust-restart-b", "{}").await;
    assert_eq!(events.stored().await.entry.unwrap().key, "rust-restart-b");
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_watch_whose_connection_breaks_off_resumes_and_misses_nothing() {
    let (_client, _shared) = shared().await;
    let relay = Relay::to(variable("MILLPOND_TEST_ENDPOINT")).await;
    let options = ConnectOptions::new(format!("http://{}", relay.address), PATIENCE);
    let mut events = Events::of(&options.connect().await.unwrap(), watch("rust-broken-"));
    assert!(!events.started().await.resumed);
    relay.cut();
    control::put("live", "rust-broken-a", "{}").await;
    assert!(events.started().await.resumed);
    assert_eq!(events.stored().await.entry.unwrap().key, "rust-broken-a");
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_watch_of_keys_sees_an_entry_expire() {
    let (client, _shared) = shared().await;
    let (table, keys) = ("brief".into(), vec!["rust-expires".into()]);
    let mut events = Events::of(&client, WatchRequest { table, keys, ..WatchRequest::default() });
    assert!(!events.started().await.sends_current);
    let put = control::put("brief", "rust-expires", r#"{"name": "short"}"#).await;
    events.stored().await;
    let removed = events.removed().await;
    assert_eq!((removed.cause(), removed.deleted_by), (RemovalCause::Expired, None));
    assert_eq!(position(removed.origin), put);
}
