//! The largest entries of a table, in pages.

use millpond::proto::v1::{
    EntryDescription, ErrorReason, ListLargestEntriesRequest, ListLargestEntriesResponse,
};
use tonic::{Code, Status};

use crate::explain::{client, describe};
use crate::lookups::{assert_error, violated_fields};
use crate::stream::event;
use crate::support::broker::{self, Broker, Message};
use crate::support::service::Service;

async fn largest(
    service: &Service,
    page_size: i32,
    page_token: &str,
) -> Result<ListLargestEntriesResponse, Status> {
    let page_token = page_token.to_owned();
    let request = ListLargestEntriesRequest { table: "services".into(), page_size, page_token };
    Ok(client(service).list_largest_entries(request).await?.into_inner())
}

/// A service with 60 entries of 20 sizes; every fourth of them was replaced.
async fn of_many_sizes(broker: &Broker) -> Service {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let events = (0..60).chain((0..60).step_by(4));
    let events: Vec<_> =
        events.map(|n| event(&format!("key {n}"), &"x".repeat(n % 20 * 50))).collect();
    topic.produce(&events);
    service.wait_until_polled(events.len() as u64).await;
    service
}

#[test]
fn the_largest_entries_are_paged_without_gaps_or_repetitions() {
    broker::in_process(async |broker| {
        let service = of_many_sizes(broker).await;
        for page_size in [1, 7, 30, 59, 60, 61] {
            let (mut shown, mut token) = (Vec::new(), String::new());
            loop {
                let page = largest(&service, page_size, &token).await.unwrap();
                assert_eq!(page.walked_count, 60);
                assert!(page.entries.len() <= usize::try_from(page_size).unwrap());
                assert!(!page.entries.is_empty(), "a page that was promised is empty");
                shown.extend(page.entries.into_iter().map(|entry| (entry.weight_bytes, entry.key)));
                assert!(shown.len() <= 60, "pages of {page_size} repeat an entry: {shown:?}");
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(shown.len(), 60, "pages of {page_size}");
            assert!(shown.is_sorted_by(|one, next| one > next), "by weight, then key: {shown:?}");
        }
        let largest = largest(&service, 1, "").await.unwrap().entries.remove(0);
        assert_eq!(Ok(largest.clone()), same_moment(&service, &largest).await);
        service.stop().await;
    });
}

/// Describes the same entry again, with the ages of `other`, so that the two can be compared.
async fn same_moment(
    service: &Service,
    other: &EntryDescription,
) -> Result<EntryDescription, String> {
    let described = describe(service, "services", &other.key).await;
    let described = described.map_err(|status| status.to_string())?;
    Ok(EntryDescription { age: other.age, time_left: other.time_left, ..described })
}

#[test]
fn a_page_has_20_entries_by_default_and_bad_requests_are_refused() {
    broker::in_process(async |broker| {
        let service = of_many_sizes(broker).await;
        assert_eq!(largest(&service, 0, "").await.unwrap().entries.len(), 20, "as is documented");
        for page_size in [1_000, 1_001, i32::MAX] {
            assert_eq!(largest(&service, page_size, "").await.unwrap().entries.len(), 60);
        }
        for (page_size, token, field) in
            [(-1, "", "page_size"), (10, "broken", "page_token"), (10, "1 key", "page_token")]
        {
            let status = largest(&service, page_size, token).await.unwrap_err();
            assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
            assert_eq!(violated_fields(&status), [field]);
        }
        let request = ListLargestEntriesRequest { table: "typo".into(), ..Default::default() };
        let status = client(&service).list_largest_entries(request).await.unwrap_err();
        assert_error(&status, Code::NotFound, ErrorReason::TableNotFound);
        service.stop().await;
    });
}

#[test]
fn a_page_of_long_keys_fits_in_a_clients_message_limit() {
    broker::in_process(async |broker| {
        const KEYS: usize = 100;
        let topic = broker.create_topic(4).await;
        let service = Service::ready(broker, &topic, &["ingest.max_key=64KiB"]).await;
        let of = |n: usize| event(&format!("{n:04}{}", "k".repeat(60_000)), "text");
        let at = |n: usize| Some(i32::try_from(n % 4).unwrap());
        let events: Vec<_> = (0..KEYS).map(|n| Message { partition: at(n), ..of(n) }).collect();
        for (index, half) in events.chunks(KEYS / 2).enumerate() {
            topic.produce(half);
            service.wait_until_polled(((index + 1) * half.len()) as u64).await;
        }

        let (mut shown, mut token) = (0, String::new());
        while shown < KEYS {
            let page = largest(&service, 1_000, &token).await.unwrap();
            assert!(!page.entries.is_empty());
            (shown, token) = (shown + page.entries.len(), page.next_page_token);
        }
        assert_eq!((shown, token.as_str()), (KEYS, ""));
        service.stop().await;
    });
}
