//! The Rust client: calls to an instance that comes and goes, and many lookups on one stream.

use std::sync::Arc;
use std::time::Duration;

use millpond::proto::v1::{ErrorReason, GetRequest, GetResponse, MissReason, lookup_result};
use millpond_client::{Client, ConnectOptions};
use tokio::task::JoinSet;
use tonic::Code;

use crate::lookups::assert_error;
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{PATIENCE, Service};

/// An address of this machine on which other tests take no ports. So an instance that starts again finds
/// its own port free.
pub(crate) const HOME: &str = "127.0.77.1";

fn balanced(service: &Service, timeout: Duration) -> Client {
    ConnectOptions::new(format!("http://{}", service.rpc), timeout).connect_balanced().unwrap()
}

fn get(key: &str) -> GetRequest {
    GetRequest { table: "services".into(), key: key.into(), ..GetRequest::default() }
}

/// The key of the entry that was found, or why there is none.
fn found(response: GetResponse) -> Result<String, MissReason> {
    match response.result.unwrap().outcome.unwrap() {
        lookup_result::Outcome::Entry(entry) => Ok(entry.key),
        lookup_result::Outcome::Miss(miss) => Err(miss.reason()),
    }
}

#[test]
fn calls_wait_for_an_instance_that_starts_again() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "text")]);
        let settings = ["ingest.start=earliest", &format!("rpc.listen={HOME}:0")];
        let service = Service::ready(broker, &topic, &settings).await;
        let client = balanced(&service, PATIENCE);
        client.get(get("a")).await.unwrap();
        let listen = format!("rpc.listen={}", service.rpc);
        service.stop().await;
        let waiting = client.clone();
        let waiting = tokio::spawn(async move { waiting.get(get("a")).await });
        let settings = ["ingest.start=earliest", &listen];
        let service = Service::ready(broker, &topic, &settings).await;
        let as_of = waiting.await.unwrap().unwrap().as_of.unwrap();
        assert!(as_of.ready, "the call went to an instance that was still loading");
        drop(client);
        service.stop().await;
    });
}

#[test]
fn an_instance_that_is_not_ready_gets_no_calls_and_an_error_says_so() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        // Nobody listens there, so the table never gets ready.
        let service = Service::start(broker, &topic, &["kafka.brokers=127.0.0.1:1"]).await;
        let client = balanced(&service, Duration::from_millis(300));
        let status = client.get(get("a")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let reason = format!("{}: it is not ready", service.rpc);
        assert!(status.message().contains(&reason), "{status:?}");
        let one = Client::connect_lazy(&format!("http://{}", service.rpc), PATIENCE).unwrap();
        one.get(get("a")).await.expect("the instance itself answers");
        service.stop().await;
    });
}

#[test]
fn many_lookups_share_a_stream_and_each_gets_its_own_answer() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let keys = (0..2_000).map(|number| number.to_string()).collect::<Vec<_>>();
        let events = keys.iter().map(|key| event(key, &format!("text {key}"))).collect::<Vec<_>>();
        topic.produce(&events);
        let settings = ["ingest.start=earliest", &format!("rpc.listen={HOME}:0")];
        let service = Service::ready(broker, &topic, &settings).await;
        service.wait_until_polled(2_000).await;
        let stream = Arc::new(balanced(&service, PATIENCE).lookup_stream());
        let mut lookups = JoinSet::new();
        for key in keys {
            let stream = Arc::clone(&stream);
            lookups.spawn(async move { (stream.get(get(&key)).await, key) });
        }
        while let Some(answered) = lookups.join_next().await {
            let (response, expected) = answered.unwrap();
            assert_eq!(found(response.unwrap()), Ok(expected));
        }
        assert_eq!(found(stream.get(get("none")).await.unwrap()), Err(MissReason::NeverSeen));
        let wrong = GetRequest { table: "none".into(), ..get("1") };
        let status = stream.get(wrong).await.unwrap_err();
        assert_error(&status, Code::NotFound, ErrorReason::TableNotFound);

        let listen = format!("rpc.listen={}", service.rpc);
        service.stop().await;
        let settings = ["ingest.start=earliest", &listen];
        let restarting = Service::ready(broker, &topic, &settings);
        let (response, service) = tokio::join!(stream.get(get("7")), restarting);
        assert_eq!(found(response.unwrap()), Ok("7".into()));
        drop(stream);
        service.stop().await;
    });
}
