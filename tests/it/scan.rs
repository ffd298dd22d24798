//! `Scan`: the entries of a table, in responses and pages, whatever comes in between.

use std::collections::{BTreeMap, BTreeSet};

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{
    Entry, ErrorReason, Freshness, GetStatsResponse, ScanRequest, ScanResponse,
};
use prost::Message as _;
use tonic::{Code, Status, Streaming};

use crate::lookups::{assert_error, violated_fields};
use crate::slow_callers::slow_channel;
use crate::stream::event;
use crate::support::broker::{self, Message};
use crate::support::service::{Service, table};

fn all() -> ScanRequest {
    ScanRequest { table: "services".into(), ..ScanRequest::default() }
}

async fn open(service: &Service, request: ScanRequest) -> Result<Streaming<ScanResponse>, Status> {
    let mut client = LookupServiceClient::new(service.channel());
    Ok(client.scan(request).await?.into_inner())
}

/// The responses to a request.
async fn scan(service: &Service, request: ScanRequest) -> Result<Vec<ScanResponse>, Status> {
    let mut stream = open(service, request).await?;
    let mut responses = Vec::new();
    while let Some(response) = stream.message().await? {
        responses.push(response);
    }
    Ok(responses)
}

fn entries(responses: &[ScanResponse]) -> Vec<&Entry> {
    responses.iter().flat_map(|response| &response.entries).collect()
}

fn keys(responses: &[ScanResponse]) -> BTreeSet<&str> {
    let entries = entries(responses);
    let keys: BTreeSet<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys.len(), entries.len(), "a key came twice");
    keys
}

/// All entries of the table by their keys.
pub(crate) async fn all_entries(service: &Service) -> BTreeMap<String, Entry> {
    let responses = scan(service, all()).await.unwrap();
    let entries = responses.into_iter().flat_map(|response| response.entries);
    entries.map(|entry| (entry.key.clone(), entry)).collect()
}

fn events(count: usize) -> Vec<Message> {
    (0..count).map(|n| event(&format!("{}/{n}", n % 3), &"text ".repeat(20))).collect()
}

#[test]
fn a_scan_sends_every_entry_once_in_responses_of_a_bounded_size() {
    const ENTRIES: usize = 3_000;
    const KEYS_OF_BOTH_SCANS: i64 = 4_000;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        topic.produce(&events(ENTRIES));
        for store in ["moka", "compact"] {
            let store = format!("tables.0.store={store}");
            let settings = ["ingest.start=earliest", &store];
            let service = Service::ready(broker, &topic, &settings).await;
            let responses = scan(&service, all()).await.unwrap();
            assert_eq!(keys(&responses).len(), ENTRIES);
            assert!(responses.iter().all(|response| response.encoded_len() < 64 << 10));
            let (last, others) = responses.split_last().unwrap();
            assert!(last.next_page_token.is_empty() && others.len() > 5);
            assert!(others.iter().all(|response| !response.next_page_token.is_empty()));
            assert!(responses.iter().all(|response| response.as_of.unwrap().ready));
            let entry = entries(&responses)[0];
            assert!(entry.fields.contains_key("description") && entry.origin.is_some());

            let of_prefix = ScanRequest { prefix: "1/".into(), ..all() };
            let responses = scan(&service, of_prefix).await.unwrap();
            let found = keys(&responses);
            assert!(found.len() == ENTRIES / 3 && found.iter().all(|key| key.starts_with("1/")));
            let of_nothing = ScanRequest { prefix: "absent".into(), ..all() };
            let responses = scan(&service, of_nothing).await.unwrap();
            assert!(responses.len() == 1 && keys(&responses).is_empty());
            let callers = service.stats().await.rpc.unwrap().callers;
            let of_table = callers.iter().find(|caller| caller.table == "services").unwrap();
            assert_eq!(of_table.key_count, KEYS_OF_BOTH_SCANS, "{callers:?}");
            service.stop().await;
        }
    });
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&events(250));
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        let (mut pages, mut request) = (Vec::new(), ScanRequest { limit: 100, ..all() });
        loop {
            let page = scan(&service, request.clone()).await.unwrap();
            request.page_token.clone_from(&page.last().unwrap().next_page_token);
            pages.push(page);
            if request.page_token.is_empty() {
                break;
            }
            topic.produce(&[event("0/0", "replaced")]);
        }
        assert_eq!(
            pages.iter().map(|page| entries(page).len()).collect::<Vec<_>>(),
            [100, 100, 50]
        );
        assert_eq!(keys(&pages.concat()).len(), 250);
        service.stop().await;
    });
}

#[test]
fn a_scan_that_cannot_be_made_says_why() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&events(10));
        let mut settings = table(0, "services", &topic.name);
        settings.extend(table(1, "others", &topic.name));
        settings.push("ingest.start=earliest".into());
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        service.wait_until_ready().await;
        let first = scan(&service, ScanRequest { limit: 3, ..all() }).await.unwrap();
        let page_token = first.last().unwrap().next_page_token.clone();
        assert!(!page_token.is_empty());
        let refused = async |request| scan(&service, request).await.unwrap_err();

        let of_token = ScanRequest { page_token, ..all() };
        let other_table = ScanRequest { table: "others".into(), ..of_token.clone() };
        let other_prefix = ScanRequest { prefix: "1".into(), ..of_token.clone() };
        let broken = ScanRequest { page_token: "AAAA".into(), ..all() };
        for request in [other_table, other_prefix, broken] {
            assert_eq!(violated_fields(&refused(request).await), ["page_token"]);
        }
        let request =
            ScanRequest { limit: -1, prefix: "k".repeat(70_000), ..ScanRequest::default() };
        assert_eq!(violated_fields(&refused(request).await), ["table", "prefix", "limit"]);
        let request = ScanRequest { fields: vec!["colour".into()], ..all() };
        assert_eq!(violated_fields(&refused(request).await), ["fields[0]"]);
        let request = ScanRequest { table: "orders".into(), ..all() };
        assert_error(&refused(request).await, Code::NotFound, ErrorReason::TableNotFound);
        let max_staleness = Some(prost_types::Duration { seconds: 0, nanos: 1 });
        let freshness = Some(Freshness { max_staleness, ..Freshness::default() });
        let request = ScanRequest { freshness, ..all() };
        assert_error(&refused(request).await, Code::Unavailable, ErrorReason::TableStale);
        service.stop().await;

        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        let ended = scan(&service, of_token).await.unwrap_err();
        assert_eq!(violated_fields(&ended), ["page_token"]);
        assert!(ended.message().contains("begin the scan anew"), "{ended:?}");
        service.stop().await;
    });
}

#[test]
fn a_scan_that_is_not_read_holds_little_and_others_are_served() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&events(5_000));
        let service = Service::ready(broker, &topic, &["ingest.start=earliest"]).await;
        let mut client = LookupServiceClient::new(slow_channel(service.rpc));
        let mut slow = client.scan(all()).await.unwrap().into_inner();
        let held = |stats: &GetStatsResponse| stats.rpc.as_ref().unwrap().held_bytes;
        service.wait_for("an unread response", |stats| held(stats) > 0).await;
        assert_eq!(keys(&scan(&service, all()).await.unwrap()).len(), 5_000);
        let held_bytes = held(&service.stats().await);
        assert!(held_bytes < 512 << 10, "{held_bytes}");
        let mut responses = Vec::new();
        while let Some(response) = slow.message().await.unwrap() {
            responses.push(response);
        }
        assert_eq!(keys(&responses).len(), 5_000);
        service.wait_for("the end of the scan", |stats| held(stats) == 0).await;
        service.stop().await;
    });
}
