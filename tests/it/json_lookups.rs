//! Lookups as JSON over HTTP, for callers without gRPC.

use serde_json::{Value, json};

use crate::access::guarded::{Guarded, TESTS};
use crate::admin_api::{ask, get_json, status};
use crate::stream::event;
use crate::support::broker;
use crate::support::service::Service;

const JSON: &str = "content-type: application/json";

async fn post(service: &Service, path: &str, body: &Value) -> (String, Value) {
    let (line, body) = (format!("POST {path}"), body.to_string());
    let (head, body) = ask(service.admin, &line, &[JSON], &body).await;
    (status(&head).to_owned(), serde_json::from_str(&body).unwrap())
}

/// The status, the code, and the reason of what goes wrong.
async fn error_of(service: &Service, path: &str) -> (String, i64, String) {
    let (head, body) = ask(service.admin, &format!("GET {path}"), &[], "").await;
    let error: Value = serde_json::from_str(&body).unwrap();
    assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
    let reason = error["details"][0]["reason"].as_str().unwrap_or_default();
    let reason = reason.trim_start_matches("ERROR_REASON_").to_owned();
    (status(&head).to_owned(), error["code"].as_i64().unwrap(), reason)
}

#[test]
fn lookups_are_answered_as_by_grpc() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&["a", "b/c d", "é"].map(|key| event(key, "text")));
        let settings = ["admin.lookups=true", "ingest.start=earliest"];
        let service = Service::ready(broker, &topic, &settings).await;
        service.wait_until_polled(3).await;
        let entries = "/v1/tables/services/entries";
        for (path, key) in
            [("a", "a"), ("b/c%20d", "b/c d"), ("b%2Fc%20d", "b/c d"), ("%C3%A9", "é")]
        {
            let answer = get_json(service.admin, &format!("{entries}/{path}")).await;
            let entry = &answer["result"]["entry"];
            assert_eq!(entry["key"], key, "{answer}");
            assert_eq!(entry["fields"]["description"]["stringValue"], "text");
            assert_eq!(answer["asOf"]["ready"], true);
        }
        let masked =
            "a?fields=description&freshness.requireReady=true&freshness.maxStaleness=3600s";
        let answer = get_json(service.admin, &format!("{entries}/{masked}")).await;
        assert_eq!(answer["result"]["entry"]["key"], "a");
        let miss = get_json(service.admin, &format!("{entries}/absent")).await;
        assert_eq!(miss["result"]["miss"]["reason"], "MISS_REASON_NEVER_SEEN");
        let tables = get_json(service.admin, "/v1/tables?pageSize=5").await;
        assert_eq!(tables["tables"][0]["name"], "services");

        let batch = json!({ "keys": ["a", "absent", "é"], "fields": ["description"] });
        let (code, answer) = post(&service, &format!("{entries}:batchGet"), &batch).await;
        let outcomes = answer["results"].as_array().unwrap();
        assert_eq!((code.as_str(), outcomes.len()), ("200", 3), "{answer}");
        assert_eq!(outcomes[2]["entry"]["key"], "é");
        assert_eq!(outcomes[1]["miss"]["reason"], "MISS_REASON_NEVER_SEEN");
        let stats = service.stats().await;
        assert_eq!((stats.tables[0].hit_count, stats.tables[0].miss_count), (7, 2));
        service.stop().await;
    });
}

#[test]
fn what_is_wrong_is_said_in_json() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["admin.lookups=true"]).await;
        let invalid = |code: &str| (code.to_owned(), 3, "INVALID_REQUEST".to_owned());
        let entry = "/v1/tables/services/entries/a";
        for query in [
            "colour=red",
            "fields=colour",
            "freshness.requireReady=maybe",
            "freshness.maxStaleness=5",
        ] {
            assert_eq!(
                error_of(&service, &format!("{entry}?{query}")).await,
                invalid("400"),
                "{query}"
            );
        }
        let unknown = ("404".to_owned(), 5, "TABLE_NOT_FOUND".to_owned());
        assert_eq!(error_of(&service, "/v1/tables/orders/entries/a").await, unknown);
        let stale =
            error_of(&service, &format!("{entry}?freshness.maxStaleness=0.000000001s")).await;
        assert_eq!(stale, ("503".to_owned(), 14, "TABLE_STALE".to_owned()));

        service.stop().await;
    });
}

#[test]
fn a_batch_that_is_no_batch_is_refused_in_json() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["admin.lookups=true"]).await;
        let path = "/v1/tables/services/entries:batchGet";
        for body in [
            json!({ "keys": [] }),
            json!({ "keys": ["a"], "colour": "red" }),
            json!({ "keys": ["a"], "table": "others" }),
            json!({ "keys": vec!["a"; 101] }),
            json!(7),
        ] {
            let (code, error) = post(&service, path, &body).await;
            assert_eq!((code.as_str(), &error["code"]), ("400", &json!(3)), "{body}: {error}");
        }
        let (head, _) =
            ask(service.admin, &format!("POST {path}"), &[], "{\"keys\":[\"a\"]}").await;
        assert_eq!(status(&head), "415");
        let (head, _) =
            ask(service.admin, &format!("POST {path}"), &[JSON], &"x".repeat(300_000)).await;
        assert_eq!(status(&head), "400");
        service.stop().await;
    });
}

#[test]
fn without_the_setting_the_port_says_how_to_switch_lookups_on() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let (head, body) = ask(service.admin, "GET /v1/tables", &[], "").await;
        assert_eq!(status(&head), "404");
        assert!(body.contains("admin.lookups"), "{body}");
        service.stop().await;
    });
}

#[test]
fn a_policy_counts_for_lookups_over_http_too() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &["admin.lookups=true"]).await;
        let get = async |path: &str, token: &str| {
            let (head, _) = ask(guarded.service.admin, &format!("GET {path}"), &[token], "").await;
            status(&head).to_owned()
        };
        let (own, others) = ("/v1/tables/services/entries/a", "/v1/tables/others/entries/a");
        let web = "authorization: Bearer secret";
        assert_eq!(get(own, web).await, "200");
        assert_eq!(get(others, web).await, "403");
        assert_eq!(get("/v1/tables", web).await, "403");
        assert_eq!(get(own, "authorization: Bearer wrong").await, "401");
        guarded.service.stop().await;
    });
}
