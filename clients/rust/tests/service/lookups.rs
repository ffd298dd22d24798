//! Lookups of one key and of many.

use std::time::{Duration, SystemTime};

use millpond_client::v1::lookup_result::Outcome;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{
    BatchGetRequest, FieldDescription, Freshness, GetRequest, ListTablesRequest, LookupResult,
};

use crate::answers::{entry, fields, get, position, text, time};
use crate::control;
use crate::services::shared;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn an_entry_comes_with_its_origin_and_how_fresh_it_is() {
    let (client, _shared) = shared().await;
    let before = SystemTime::now() - MINUTE;
    let put = control::put("live", "rust-get", r#"{"name": "first", "size": 7}"#).await;
    let response = client.get(get("live", "rust-get")).await.unwrap();
    let as_of = response.as_of.unwrap();
    let newest = time(as_of.newest_record_time);
    assert!(as_of.ready && newest > before && as_of.staleness.unwrap().seconds < 60, "{as_of:?}");
    let entry = entry(response);
    assert_eq!(entry.key, "rust-get");
    assert_eq!(entry.fields, fields([("name", text("first")), ("size", Kind::IntValue(7))]));
    assert_eq!(position(entry.origin), put);
    let record_time = time(entry.origin.unwrap().record_time);
    assert!(before < record_time && record_time < time(entry.expire_time), "{entry:?}");
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn only_the_fields_that_were_asked_for_come_from_a_table_that_is_fresh_enough() {
    let (client, _shared) = shared().await;
    control::put("live", "rust-fields", r#"{"name": "first", "size": 7}"#).await;
    let max_staleness = MINUTE.try_into().ok();
    let freshness = Freshness { require_ready: true, max_staleness, ..Freshness::default() };
    let (freshness, fields_asked) = (Some(freshness), vec!["size".to_owned()]);
    let request = GetRequest { freshness, fields: fields_asked, ..get("live", "rust-fields") };
    let entry = entry(client.get(request).await.unwrap());
    assert_eq!(entry.fields, fields([("size", Kind::IntValue(7))]));
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn every_kind_of_value_arrives_without_loss() {
    let (client, _shared) = shared().await;
    let huge = "123456789012345678901234567890";
    let sent_and_expected = [
        ("null", Kind::NullValue(0)),
        ("true", Kind::BoolValue(true)),
        ("-42", Kind::IntValue(-42)),
        ("18446744073709551615", Kind::UintValue(u64::MAX)),
        ("1.50", Kind::DoubleValue(1.5)),
        (r#""text €""#, text("text €")),
        (r#"{ "a": [1, 2.50] }"#, Kind::JsonValue(r#"{"a":[1,2.50]}"#.into())),
        ("[]", Kind::JsonValue("[]".into())),
        (huge, Kind::NumberText(huge.into())),
        ("1e400", Kind::NumberText("1e400".into())),
    ];
    for (sent, expected) in sent_and_expected {
        control::put("live", "rust-value", &format!(r#"{{"data": {sent}}}"#)).await;
        let entry = entry(client.get(get("live", "rust-value")).await.unwrap());
        assert_eq!(entry.fields, fields([("data", expected)]), "{sent}");
    }
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_batch_of_any_size_has_its_results_in_the_order_of_the_keys() {
    let (client, _shared) = shared().await;
    // 6 MB, which is more than one answer holds.
    let document = format!(r#"{{"data": "{}"}}"#, "x".repeat(10_000));
    control::fill("live", "rust-batch", 600, &document).await;
    let keys = control::names("rust-batch", 2_500);
    let batch = |keys: &[String]| {
        let (table, keys) = ("live".to_owned(), keys.to_vec());
        BatchGetRequest { table, keys, ..BatchGetRequest::default() }
    };
    let once = client.request(batch(&keys[..600]));
    let once = client.lookup().batch_get(once).await.unwrap().into_inner();
    assert!(!once.deferred.is_empty(), "no key is deferred, so this test shows little");
    let response = client.batch_get_all(batch(&keys)).await.unwrap();
    assert!(response.deferred.is_empty() && response.as_of.unwrap().ready);
    let key_of = |result: &LookupResult| match result.outcome.as_ref().unwrap() {
        Outcome::Entry(entry) => Some(entry.key.clone()),
        Outcome::Miss(_) => None,
    };
    let found = response.results.iter().map(key_of).collect::<Vec<_>>();
    let expected = keys.into_iter().enumerate().map(|(at, key)| (at < 600).then_some(key));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn tables_are_listed_with_what_they_hold() {
    let (client, _shared) = shared().await;
    let request = client.request(ListTablesRequest::default());
    let response = client.lookup().list_tables(request).await.unwrap().into_inner();
    let brief = response.tables.iter().find(|table| table.name == "brief").expect("the table");
    assert_eq!(brief.ttl, Duration::from_secs(2).try_into().ok());
    let field = FieldDescription { name: "name".into(), source: "/name".into() };
    assert!(brief.fields.contains(&field), "{brief:?}");
}
