//! Who may do what, over gRPC: tokens, JWTs, the policy, and what callers are told.

pub(crate) mod guarded;
mod issuer;

use std::fs;

use millpond::proto::Method;
use millpond::proto::v1::{DenialReason, ErrorReason, GetStatsResponse};
use millpond_client::health::health_client::HealthClient;
use millpond_client::health::{HealthCheckRequest, HealthListRequest};
use tonic::Code;
use tonic_types::StatusExt;

use crate::command::{run, settings, text};
use crate::costs::cost;
use crate::lookups::assert_error;
use crate::support::broker;
use crate::support::certificates::{Authority, ServerFiles, TlsClient};
use crate::support::service::{Service, table, with_basics};
use guarded::{Guarded, Rule, TESTS, authorized, call, policy, write_tokens};
use issuer::Issuer;

#[test]
fn a_caller_gets_what_the_policy_says_and_learns_nothing_of_the_rest() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "Get ListTables", "services"), ("token:admin", "*", "*")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        guarded.get(Some("secret"), "services").await.unwrap();
        assert_eq!(guarded.tables("secret").await, ["services"]);
        assert_eq!(guarded.tables("admin-secret").await, ["services", "others"]);

        let other = guarded.get(Some("secret"), "others").await.unwrap_err();
        assert_error(&other, Code::PermissionDenied, ErrorReason::PermissionDenied);
        let missing = guarded.get(Some("secret"), "missing").await.unwrap_err();
        assert_eq!(format!("{other:?}"), format!("{missing:?}"), "one cannot tell them apart");
        assert!(!other.message().contains("others"), "{other:?}");
        // Its request is too long to be there when the call is denied.
        let many = guarded.service.try_batch("services", vec!["k".repeat(2_000); 500]).await;
        assert_eq!(many.unwrap_err().code(), Code::Unauthenticated);
        let all = guarded.get(Some("admin-secret"), "missing").await.unwrap_err();
        assert_error(&all, Code::NotFound, ErrorReason::TableNotFound);

        for token in [None, Some("secres"), Some("a.b.c"), Some("")] {
            let status = guarded.get(token, "services").await.unwrap_err();
            assert_error(&status, Code::Unauthenticated, ErrorReason::Unauthenticated);
        }
        let stats = guarded.access().await;
        assert!(stats.has_policy && stats.tokens.unwrap().token_count == 2, "{stats:?}");
        let denied = |reason: DenialReason| {
            let denied = stats.denied_calls.iter().filter(|denied| denied.reason() == reason);
            denied.map(|denied| (denied.method.as_str(), denied.count)).collect::<Vec<_>>()
        };
        assert_eq!(denied(DenialReason::NotAllowed), [("Get", 2)]);
        assert_eq!(denied(DenialReason::NoCredential), [("Get", 1), ("BatchGet", 1)]);
        let web = stats.identities.iter().find(|seen| seen.identity == "token:web").unwrap();
        assert_eq!((web.allowed_count, web.denied_count), (2, 2));
        guarded.service.stop().await;
    });
}

#[test]
fn what_calls_cost_is_listed_by_the_name_that_their_callers_prove() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        for _ in 0..2 {
            guarded.get(Some("secret"), "services").await.unwrap();
        }
        guarded.get(None, "services").await.unwrap_err();
        let stats = guarded.service.stats().await;
        let web = cost(&stats, "token:web", "services").unwrap();
        assert_eq!((web.call_count, web.key_count), (2, 2));
        assert!(
            cost(&stats, "127.0.0.1", "services").is_none(),
            "it was denied before it was read"
        );
        guarded.service.stop().await;
    });
}

/// Every method for every table, for each identity. What is expected comes from the same rules.
#[test]
fn every_method_and_table_is_open_to_those_whom_the_policy_names_and_to_nobody_else() {
    const RULES: [Rule; 5] = [
        TESTS,
        ("token:web", "Get MaintenanceService", "services"),
        ("token:admin", "*", "*"),
        ("jwt:system:serviceaccount:shop:*", "LookupService", "others"),
        ("anonymous", "ListTables", "others"),
    ];
    broker::in_process(async |broker| {
        let guarded = Guarded::start(broker, &RULES, &[]).await;
        let jwt = guarded.issuer.token("system:serviceaccount:shop:web");
        let foreign = guarded.issuer.token("system:serviceaccount:other:web");
        for (identity, token) in [
            ("token:web", Some("secret")),
            ("token:admin", Some("admin-secret")),
            ("jwt:system:serviceaccount:shop:*", Some(jwt.as_str())),
            ("nobody", Some(foreign.as_str())),
            ("anonymous", None),
        ] {
            for (method, table) in cells() {
                let code = guarded.call(&path_of(method), token, table).await;
                let denied =
                    if token.is_some() { Code::PermissionDenied } else { Code::Unauthenticated };
                let expected = is_allowed(&RULES, identity, method, table);
                assert_eq!(code != denied, expected, "{identity} {method:?} {table}: {code}");
            }
        }
        guarded.service.stop().await;
    });
}

/// The same for the owners of certificates.
#[test]
fn a_certificate_is_let_in_by_its_name_and_by_nothing_else() {
    const RULES: [Rule; 2] = [
        ("certificate:web.shop.svc", "Get MaintenanceService", "services"),
        ("anonymous", "ListTables", "others"),
    ];
    broker::in_process(async |broker| {
        let authority = Authority::new("clients");
        let files = ServerFiles::new(&authority.issue("localhost"), &[&authority]);
        let topic = broker.create_topic(1).await;
        let mut all = table(0, "services", &topic.name);
        all.extend(table(1, "others", &topic.name));
        all.extend(policy(&RULES).into_iter().chain(files.settings("rpc.tls", true)));
        all.push("rpc.tls.client_certificate=optional".into());
        let service = Service::start_with(&broker.bootstrap(), &all).await;
        let [web, other] = ["web.shop.svc", "other.shop.svc"].map(|name| authority.issue(name));
        for (identity, own) in [
            ("certificate:web.shop.svc", Some(&web)),
            ("certificate:other.shop.svc", Some(&other)),
            ("anonymous", None),
        ] {
            let channel = TlsClient::new(&authority, own, b"h2").channel(service.rpc);
            for (method, table) in cells() {
                let code = call(channel.clone(), &path_of(method), None, table).await;
                let denied =
                    if own.is_some() { Code::PermissionDenied } else { Code::Unauthenticated };
                let expected = is_allowed(&RULES, identity, method, table);
                assert_eq!(code != denied, expected, "{identity} {method:?} {table}: {code}");
            }
        }
        service.stop().await;
    });
}

/// Every method, for each table and for one that does not exist.
fn cells() -> impl Iterator<Item = (Method, &'static str)> {
    let of_method = |method| ["services", "others", "missing"].map(|table| (method, table));
    Method::ALL.into_iter().flat_map(of_method)
}

fn path_of(method: Method) -> String {
    format!("/millpond.v1.{}/{}", method.service(), method.name())
}

fn is_allowed(rules: &[Rule], identity: &str, method: Method, table: &str) -> bool {
    rules.iter().any(|(who, methods, tables)| {
        let names = [method.name(), method.service(), "*"];
        let is_method = methods.split(' ').any(|name| names.contains(&name));
        let is_table = match method {
            Method::ListTables => true,
            Method::GetStats | Method::WatchStats | Method::Reclaim => *tables == "*",
            _ => tables.split(' ').any(|name| name == table || name == "*"),
        };
        *who == identity && is_method && is_table
    })
}

#[test]
fn health_is_answered_to_everybody_and_names_tables_only_to_those_who_may_know_of_them() {
    broker::in_process(async |broker| {
        let rules = [("token:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        let mut client = HealthClient::new(guarded.service.channel());
        for (token, tables) in
            [(None, vec![]), (Some("wrong"), vec![]), (Some("secret"), vec!["services"])]
        {
            let all = HealthCheckRequest::default();
            client.check(authorized(all, token)).await.unwrap();
            let list = authorized(HealthListRequest {}, token);
            let listed = client.list(list).await.unwrap().into_inner().statuses;
            let names = listed.keys().filter_map(|name| name.strip_prefix("millpond.table/"));
            assert_eq!(names.collect::<Vec<_>>(), tables);
            let of_other = HealthCheckRequest { service: "millpond.table/others".into() };
            let status = client.check(authorized(of_other, token)).await.unwrap_err();
            assert_eq!(status.code(), Code::NotFound);
        }
        guarded.service.stop().await;
    });
}

#[test]
fn reflection_and_unknown_paths_need_an_entry_too() {
    const REFLECTION: [&str; 2] = [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "LookupService", "*"), ("token:admin", "*", "*")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        for path in REFLECTION.into_iter().chain(["/nothing.Here/Call", "/"]) {
            let none = guarded.call(path, None, "").await;
            assert_eq!(none, Code::Unauthenticated, "{path}");
            let web = guarded.call(path, Some("secret"), "").await;
            assert_eq!(web, Code::PermissionDenied, "{path}");
            let admin = guarded.call(path, Some("admin-secret"), "").await;
            let is_reflection = REFLECTION.contains(&path);
            assert_eq!(admin == Code::Unimplemented, !is_reflection, "{path}: {admin}");
        }
        guarded.service.stop().await;
    });
}

#[test]
fn a_jwt_counts_until_it_expires() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("jwt:system:serviceaccount:shop:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        let subject = "system:serviceaccount:shop:web";
        let good = guarded.issuer.token(subject);
        for _ in 0..2 {
            guarded.get(Some(&good), "services").await.unwrap();
        }
        let expired = guarded.issuer.token_until(subject, issuer::now() - 3_600);
        let strange = Issuer::new().token(subject);
        for bad in [expired, strange, format!("{good}x")] {
            let status = guarded.get(Some(&bad), "services").await.unwrap_err();
            assert_error(&status, Code::Unauthenticated, ErrorReason::Unauthenticated);
        }
        assert_eq!(guarded.access().await.jwt_keys.unwrap().key_count, 1);
        guarded.service.stop().await;
    });
}

#[test]
fn a_changed_file_of_tokens_counts_on_open_connections_and_a_bad_one_does_not() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        guarded.get(Some("secret"), "services").await.unwrap();
        write_tokens(guarded.folder.path(), &[("web", "another")]);
        let tokens =
            |stats: &GetStatsResponse| stats.rpc.clone().unwrap().access.unwrap().tokens.unwrap();
        let service = &guarded.service;
        service.wait_for("the new tokens", |stats| tokens(stats).generation == 2).await;
        let status = guarded.get(Some("secret"), "services").await.unwrap_err();
        assert_error(&status, Code::Unauthenticated, ErrorReason::Unauthenticated);
        guarded.get(Some("another"), "services").await.unwrap();

        fs::write(guarded.folder.path().join("tokens"), "web hunter2").unwrap();
        service.wait_for("the bad file", |stats| tokens(stats).failure_count == 1).await;
        guarded.get(Some("another"), "services").await.unwrap();
        guarded.service.stop().await;
    });
}

#[test]
fn calls_beyond_a_share_are_shed_and_told_when_to_retry() {
    broker::in_process(async |broker| {
        let rules = [("token:web", "Get", "services"), ("token:admin", "Get", "services"), TESTS];
        let guarded = Guarded::start(broker, &rules, &["rpc.allow.0.calls_per_second=1"]).await;
        let status = loop {
            match guarded.get(Some("secret"), "services").await {
                Ok(_) => {}
                Err(status) => break status,
            }
        };
        assert_error(&status, Code::ResourceExhausted, ErrorReason::ShareExhausted);
        let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(!delay.is_zero() && delay.as_secs() <= 1, "{delay:?}");
        guarded.get(Some("admin-secret"), "services").await.unwrap();
        guarded.service.stop().await;
    });
}

#[test]
fn a_token_of_a_megabyte_is_refused_and_others_are_served() {
    broker::in_process(async |broker| {
        let rules = [TESTS, ("token:web", "Get", "services")];
        let guarded = Guarded::start(broker, &rules, &[]).await;
        for bytes in [1 << 20, 100 << 10, 7 << 10] {
            // The connection may be closed for such a header, so it has one of its own.
            let token = "a".repeat(bytes);
            let code = guarded.call(&path_of(Method::Get), Some(&token), "services").await;
            assert_ne!(code, Code::Ok);
            guarded.get(Some("secret"), "services").await.unwrap();
        }
        guarded.service.stop().await;
    });
}

#[test]
fn a_check_says_what_is_open_to_the_network_and_names_bad_files() {
    let tables = table(0, "services", "topic");
    let check = |more: &[&str]| {
        let all = tables.iter().cloned().chain(more.iter().map(ToString::to_string));
        let all = settings(&with_basics("localhost:9092", &all.collect::<Vec<_>>()));
        let arguments: Vec<_> =
            ["check"].into_iter().chain(all.iter().map(String::as_str)).collect();
        run(&arguments)
    };
    let on_loopback = text(&check(&[]).stdout);
    assert!(on_loopback.contains("# - there is no [[rpc.allow]]"), "{on_loopback}");
    assert!(!on_loopback.contains("beyond loopback"), "{on_loopback}");
    let open = text(&check(&["rpc.listen=0.0.0.0:50051"]).stdout);
    assert!(open.contains("# - rpc.listen is 0.0.0.0:50051, beyond loopback"), "{open}");

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tokens"), "web hunter2").unwrap();
    let file = format!("rpc.tokens.file={}", folder.path().join("tokens").display());
    let rules = policy(&[("token:web", "Get", "services")]);
    let more: Vec<_> = rules.iter().map(String::as_str).chain([file.as_str()]).collect();
    let bad = check(&more);
    let why = text(&bad.stderr);
    assert_eq!(bad.status.code(), Some(78), "{why}");
    assert!(why.contains("rpc.tokens.file: ") && why.contains("line 1: not a digest"), "{why}");
    assert!(!why.contains("hunter2"), "{why}");
}
