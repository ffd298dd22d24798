//! What callers learn of the tables and of the service without reading entries, and with a part of
//! their fields.

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{
    ConnectionCloseCount, ConnectionCloseReason, ErrorReason, FieldDescription, GetRequest,
    GetStatsResponse, ListTablesRequest, ListTablesResponse, ShedCause, lookup_result::Outcome,
};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::lookups::{assert_error, violated_fields};
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{Service, table};

async fn list(
    service: &Service,
    page_size: i32,
    page_token: &str,
) -> Result<ListTablesResponse, Status> {
    let request = ListTablesRequest { page_size, page_token: page_token.into() };
    let mut client = LookupServiceClient::new(service.channel());
    Ok(client.list_tables(request).await?.into_inner())
}

#[test]
fn the_tables_are_listed_as_they_are_configured() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let mut settings = table(0, "services", &topic.name);
        settings.extend(table(1, "others", &topic.name));
        settings.push("tables.1.ttl_from=/updated_at".into());
        settings.push("tables.1.fields.owner=@header/owner".into());
        let service = Service::start_with(&broker.bootstrap(), &settings).await;

        let all = list(&service, 0, "").await.unwrap();
        let names: Vec<_> = all.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!((names, all.next_page_token.as_str()), (vec!["services", "others"], ""));
        let [services, others] = all.tables.as_slice() else { panic!("two tables") };
        assert_eq!(
            (&services.topic, &services.key_sources[..]),
            (&topic.name, &["/id".to_owned()][..])
        );
        assert_eq!(services.ttl.unwrap().seconds, 3_600);
        assert_eq!(
            (services.ttl_from.as_str(), others.ttl_from.as_str()),
            ("@record", "/updated_at")
        );
        let field = |name: &str, source: &str| FieldDescription {
            name: name.into(),
            source: source.into(),
        };
        assert_eq!(services.fields, [field("description", "/description")]);
        let both = [field("description", "/description"), field("owner", "@header/owner")];
        assert_eq!(others.fields, both);

        let first = list(&service, 1, "").await.unwrap();
        let second = list(&service, 1, &first.next_page_token).await.unwrap();
        assert_eq!([first.tables, second.tables].concat(), all.tables);
        assert_eq!(second.next_page_token, "");
        let status = list(&service, -1, "broken").await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["page_size", "page_token"]);
        service.stop().await;
    });
}

/// The names of the fields that an answer has.
async fn fields(service: &Service, asked: &[&str]) -> Result<Vec<String>, Status> {
    let fields = asked.iter().map(ToString::to_string).collect();
    let (table, key) = ("services".into(), "a".into());
    let request = GetRequest { table, key, fields, ..GetRequest::default() };
    let answer = LookupServiceClient::new(service.channel()).get(request).await?.into_inner();
    let Some(Outcome::Entry(entry)) = answer.result.unwrap().outcome else { panic!("an entry") };
    assert!(entry.origin.is_some() && entry.key == "a");
    let mut names: Vec<_> = entry.fields.into_keys().collect();
    names.sort();
    Ok(names)
}

#[test]
fn an_answer_has_the_fields_that_the_caller_names() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let more = ["tables.0.fields.id=/id", "tables.0.fields.absent=/absent"];
        let service = Service::ready(broker, &topic, &more).await;
        topic.produce(&[event("a", "text")]);
        service.wait_until_polled(1).await;

        assert_eq!(fields(&service, &[]).await.unwrap(), ["description", "id"]);
        assert_eq!(fields(&service, &["id"]).await.unwrap(), ["id"]);
        assert_eq!(fields(&service, &["id", "absent", "id"]).await.unwrap(), ["id"]);
        assert!(fields(&service, &["absent"]).await.unwrap().is_empty());
        let status = fields(&service, &["id", "typo"]).await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["fields[1]"]);
        assert!(status.message().contains("absent, description, id"), "{status:?}");
        let status = fields(&service, &["id"; 1_001]).await.unwrap_err();
        assert_eq!(violated_fields(&status), ["fields"]);
        service.stop().await;
    });
}

#[test]
fn any_number_of_callers_get_statistics_that_include_what_they_did_before() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = std::sync::Arc::new(Service::ready(broker, &topic, &[]).await);
        let mut callers = JoinSet::new();
        for _ in 0..50 {
            let service = std::sync::Arc::clone(&service);
            callers.spawn(async move {
                for _ in 0..10 {
                    let before = service.stats().await.tables[0].miss_count;
                    service.miss("nobody").await;
                    assert!(service.stats().await.tables[0].miss_count > before);
                }
            });
        }
        callers.join_all().await;
        assert_eq!(service.stats().await.tables[0].miss_count, 500);
        std::sync::Arc::into_inner(service).unwrap().stop().await;
    });
}

#[test]
fn the_statistics_show_what_callers_have_open_and_which_calls_were_shed() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["rpc.pool=16MiB"]).await;
        let rpc = service.stats().await.rpc.unwrap();
        assert!(rpc.open_connection_count >= 1 && rpc.admitted_connection_count >= 1, "{rpc:?}");
        assert!(rpc.open_call_count >= 1, "the call that asks is open: {rpc:?}");
        assert_eq!((rpc.pool_bytes, rpc.refused_connection_count), (16 << 20, 0));
        let reasons: Vec<_> =
            rpc.closed_connections.iter().map(ConnectionCloseCount::reason).collect();
        let all = (1..=8).map(|number| ConnectionCloseReason::try_from(number).unwrap());
        assert!(reasons.into_iter().eq(all), "{rpc:?}");
        let shed: Vec<_> = rpc.shed_calls.iter().map(|each| (each.cause(), each.count)).collect();
        let all = (1..=5).map(|number| (ShedCause::try_from(number).unwrap(), 0));
        assert!(shed.into_iter().eq(all), "{rpc:?}");

        drop(TcpStream::connect(service.rpc).await.unwrap());
        let closed = |stats: &GetStatsResponse| {
            stats.rpc.as_ref().unwrap().closed_connections.iter().any(|each| each.count > 0)
        };
        service.wait_for("the end of the connection", closed).await;
        service.stop().await;
    });
}
