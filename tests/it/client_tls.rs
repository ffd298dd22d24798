//! The client verbs by TLS and with a token: flags, variables, exit codes and warnings.
//!
//! The service here is a bare one that speaks TLS and names the caller's token in its answer. That
//! millpond itself serves TLS is tried elsewhere.

use std::convert::Infallible;
use std::fs;
use std::net::TcpListener as StdListener;
use std::process::Output;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderValue, Request, Response};

use crate::command::{millpond, settings, text};
use crate::support::broker::block_on;
use crate::support::service::{table, with_basics};

const TOKEN: &str = "hunter2-hunter2";

/// A service that refuses every call, and the folder with its certificate and a token.
struct Refusing {
    endpoint: String,
    folder: TempDir,
}

impl Refusing {
    fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.crt"), cert.pem()).unwrap();
        fs::write(folder.path().join("token"), TOKEN).unwrap();
        let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        let listener = TcpListener::from_std(listener).unwrap();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config))));
        Self { endpoint, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Asks it with these arguments and variables.
    fn ask(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let get = ["get", "services", "a", "--endpoint", &self.endpoint];
        let mut command = millpond();
        command.envs(variables.iter().copied());
        command.args(get).args(arguments).output().unwrap()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let refuse = service_fn(async |request: Request<hyper::body::Incoming>| {
                let token = request.headers().get(AUTHORIZATION).map(HeaderValue::len);
                let status = Status::unauthenticated(format!("the token has {token:?} letters"));
                Ok::<Response<Body>, Infallible>(status.into_http())
            });
            let server = http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), refuse).await;
        });
    }
}

fn assert_ended(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let shown = text(&output.stderr);
    for word in words {
        assert!(shown.contains(word), "{word} is not in: {shown}");
    }
    assert!(!shown.contains(TOKEN), "the token is shown: {shown}");
}

#[test]
fn flags_or_variables_name_the_ca_and_the_token() {
    block_on(async {
        let service = Refusing::start();
        let (ca, token) = (service.file("ca.crt"), service.file("token"));
        let sent = format!("the token has Some({}) letters", "Bearer ".len() + TOKEN.len());
        let name = ["--server-name", "localhost"];
        let by_flags = [&["--ca", &ca, "--token-file", &token], &name[..]].concat();
        assert_ended(&service.ask(&by_flags, &[]), 2, &["Unauthenticated", &sent]);
        let variables = [("MILLPOND_CA", &*ca), ("MILLPOND_TOKEN_FILE", &*token)];
        assert_ended(&service.ask(&name, &variables), 2, &["Unauthenticated", &sent]);
        let without = service.ask(&[&["--ca", &*ca], &name[..]].concat(), &[]);
        assert_ended(&without, 2, &["the token has None letters", "--token-file"]);
    });
}

#[test]
fn a_service_that_cannot_be_trusted_is_exit_69_and_insecure_has_to_be_said() {
    block_on(async {
        let service = Refusing::start();
        let ca = service.file("ca.crt");
        assert_ended(&service.ask(&["--ca", &ca], &[]), 69, &["not for 127.0.0.1", "localhost"]);
        let insecure = service.ask(&["--insecure"], &[]);
        assert_ended(&insecure, 2, &["--insecure: ", "not verified", "Unauthenticated"]);
    });
}

#[test]
fn options_that_do_not_fit_are_exit_2_and_say_what_does() {
    block_on(async {
        let service = Refusing::start();
        let token = service.file("token");
        assert_ended(&service.ask(&["--certificate", "a.crt"], &[]), 2, &["--key"]);
        let missing = service.ask(&["--ca", "/nowhere/ca.crt"], &[]);
        assert_ended(&missing, 2, &["/nowhere/ca.crt", "cannot be read"]);
        let elsewhere = ["stats", "--endpoint", "http://192.0.2.1:1", "--token-file", &token];
        let elsewhere = millpond().args(elsewhere).output().unwrap();
        assert_ended(&elsewhere, 2, &["could read the token", "--insecure"]);
    });
}

#[test]
fn variables_of_client_verbs_are_no_configuration() {
    let names = ["MILLPOND_CA", "MILLPOND_CERTIFICATE", "MILLPOND_KEY", "MILLPOND_TOKEN_FILE"];
    let all = with_basics("localhost:1", &table(0, "services", "events"));
    let mut check = millpond();
    check.arg("check").args(settings(&all)).envs(names.map(|name| (name, "/a/file")));
    let checked = check.output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}
