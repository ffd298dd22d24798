//! Connections to a small service by TLS, mutual TLS and with tokens, right and wrong ones.
//!
//! The service answers each call with an error that names the caller's token.

mod service;

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use super::*;
use crate::v1::ListTablesRequest;
use service::{Certificates, Service};
use tonic::{Code, Status};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What the service said of the call.
async fn call(client: &Client) -> Status {
    client.lookup().list_tables(ListTablesRequest::default()).await.unwrap_err()
}

async fn token_of_call(client: &Client) -> String {
    let status = call(client).await;
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    status.message().to_owned()
}

/// The error of connecting, which needs all of these words.
async fn assert_refused(options: ConnectOptions, words: &[&str]) {
    let error = options.connect().await.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{word} is not in: {error}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable_and_the_reason_is_the_innermost() {
    let files = Certificates::create();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (scheme, options) in [("http", None), ("https", Some(files.ca()))] {
        let mut connecting = ConnectOptions::new(format!("{scheme}://{free}"), TIMEOUT);
        if let Some(ca) = options {
            connecting = connecting.ca(ca);
        }
        let error = connecting.connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn a_request_carries_the_callers_timeout() {
    let client = Client::connect_lazy("http://localhost:1", TIMEOUT).unwrap();
    assert!(client.request(()).metadata().contains_key("grpc-timeout"));
}

#[tokio::test]
async fn a_service_whose_ca_is_trusted_is_called_by_tls_with_the_token_of_a_file() {
    let files = Certificates::create();
    let service = Service::tls(&files).await;
    let options = service.options().ca(files.ca());
    assert_eq!(token_of_call(&options.clone().connect().await.unwrap()).await, "none");
    let token = files.write("token", "abc\n");
    let client = options.token_file(token).connect().await.unwrap();
    assert_eq!(token_of_call(&client).await, "Bearer abc");
}

#[tokio::test]
async fn a_service_that_cannot_be_trusted_is_refused_with_what_to_do() {
    let (files, strangers) = (Certificates::create(), Certificates::create());
    let service = Service::tls(&files).await;
    let options = || service.options().ca(files.ca());
    assert_refused(service.options().ca(strangers.ca()), &["no CA that is trusted"]).await;
    let named = options().server_name("other.example");
    assert_refused(named, &["not for other.example but for localhost, 127.0.0.1"]).await;
    let expired = Service::tls_expired(&files).await;
    assert_refused(expired.options().ca(files.ca()), &["has expired", "renew"]).await;
    let insecure = service.options().ca(strangers.ca()).insecure();
    assert_eq!(token_of_call(&insecure.connect().await.unwrap()).await, "none");
}

#[tokio::test]
async fn a_name_to_expect_stands_for_the_host_of_the_endpoint() {
    let files = Certificates::create();
    let service = Service::tls(&files).await;
    let by_name = service.options().ca(files.ca()).server_name("localhost");
    assert_eq!(token_of_call(&by_name.connect().await.unwrap()).await, "none");
}

#[tokio::test]
async fn a_client_without_the_certificate_that_is_demanded_is_told_so_by_its_first_call() {
    let (files, strangers) = (Certificates::create(), Certificates::create());
    let service = Service::mutual_tls(&files).await;
    let options = || service.options().ca(files.ca());
    let (chain, key) = files.of_client();
    let client = options().certificate(chain, key).connect().await.unwrap();
    assert_eq!(token_of_call(&client).await, "none");
    let status = call(&options().connect().await.unwrap()).await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().contains("demands a client certificate"), "{status:?}");
    let (chain, key) = strangers.of_client();
    let status = call(&options().certificate(chain, key).connect().await.unwrap()).await;
    assert!(status.message().contains("refuses the client certificate"), "{status:?}");
}

#[tokio::test]
async fn the_wrong_scheme_is_told_from_a_port_that_is_gone() {
    let files = Certificates::create();
    let (plain, tls) = (Service::plaintext().await, Service::tls(&files).await);
    let as_tls = ConnectOptions::new(format!("https://{}", plain.address), TIMEOUT);
    assert_refused(as_tls.ca(files.ca()), &["does not speak TLS", "http://"]).await;
    let as_plain = ConnectOptions::new(format!("http://{}", tls.address), TIMEOUT);
    let status = call(&as_plain.connect().await.unwrap()).await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().contains("https://"), "{status:?}");
}

#[tokio::test]
async fn files_are_read_again_for_the_next_connection() {
    let (files, strangers) = (Certificates::create(), Certificates::create());
    let service = Service::mutual_tls(&files).await;
    let (chain, key) = strangers.of_client();
    let client = service.options().ca(files.ca()).certificate(&chain, &key).connect_lazy().unwrap();
    assert_eq!(call(&client).await.code(), Code::Unavailable);
    let (right_chain, right_key) = files.of_client();
    fs::copy(right_chain, chain).unwrap();
    fs::copy(right_key, key).unwrap();
    assert_eq!(token_of_call(&client).await, "none");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_and_not_shown() {
    let files = Certificates::create();
    let (chain, key) = files.of_client();
    let strangers_key = Certificates::create().write_key_beside(&files);
    let half = fs::read_to_string(&key).unwrap();
    let half = files.write("half.key", &half[..half.len() / 2]);
    let to = || ConnectOptions::new("https://localhost:1", TIMEOUT);
    let missing = files.folder().join("missing.crt");
    assert_refused(to().ca(&missing), &["missing.crt", "cannot be read"]).await;
    assert_refused(to().ca(&key), &["client.key", "no PEM certificate"]).await;
    let of = |key| to().ca(files.ca()).certificate(&chain, key);
    assert_refused(of(&strangers_key), &["stranger.key", "not the key of the certificate"]).await;
    assert_refused(of(&half), &["half.key", "not whole PEM"]).await;
    assert_refused(of(&files.ca()), &["ca.crt", "no PEM private key"]).await;
    let empty = files.write("empty", "");
    assert_refused(to().ca(files.ca()).token_file(empty), &["empty", "no token"]).await;
}

#[tokio::test]
async fn a_token_goes_over_plaintext_only_to_this_machine_or_if_that_was_said() {
    let files = Certificates::create();
    let token = files.write("token", "hunter2");
    let service = Service::plaintext().await;
    let here = ConnectOptions::new(format!("http://{}", service.address), TIMEOUT);
    let client = here.token_file(&token).connect().await.unwrap();
    assert_eq!(token_of_call(&client).await, "Bearer hunter2");
    let there = ConnectOptions::new("http://192.0.2.1:1", TIMEOUT).token_file(&token);
    let error = there.clone().connect_lazy().unwrap_err();
    assert!(matches!(error, ConnectError::Options(_)), "{error:?}");
    assert!(error.to_string().contains("https://") && !error.to_string().contains("hunter2"));
    there.insecure().connect_lazy().unwrap();
}

#[tokio::test]
async fn options_of_tls_are_refused_for_plaintext() {
    let to = || ConnectOptions::new("http://localhost:1", TIMEOUT);
    for options in [to().ca("/ca"), to().certificate("/c", "/k"), to().server_name("a")] {
        let error = options.connect_lazy().unwrap_err();
        assert!(error.to_string().contains("write https://"), "{error}");
    }
}
