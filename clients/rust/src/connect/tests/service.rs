//! A small service, with certificates of its own, that is called by the tests.
//!
//! Knows nothing of what they try.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{Request, Response};

use crate::ConnectOptions;

/// A CA, and certificates that it signed, in a folder that goes with this.
pub(super) struct Certificates {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub(super) fn create() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let all = Self { folder, issuer: Issuer::new(parameters, key) };
        all.write("ca.crt", &certificate.pem());
        let (certificate, key) = all.sign(&CertificateParams::new(vec!["client".into()]).unwrap());
        all.write("client.crt", &certificate.pem());
        all.write("client.key", &key.serialize_pem());
        all
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let file = self.folder().join(name);
        fs::write(&file, content).unwrap();
        file
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.folder().join("ca.crt")
    }

    /// The client's certificate and key.
    pub(super) fn of_client(&self) -> (PathBuf, PathBuf) {
        (self.folder().join("client.crt"), self.folder().join("client.key"))
    }

    /// The client's key as a file of another's folder.
    pub(super) fn write_key_beside(&self, other: &Self) -> PathBuf {
        other.write("stranger.key", &fs::read_to_string(self.of_client().1).unwrap())
    }

    fn sign(&self, parameters: &CertificateParams) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

fn of_service() -> CertificateParams {
    CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap()
}

/// A running service. It ends with the test's runtime.
pub(super) struct Service {
    pub(super) address: SocketAddr,
}

impl Service {
    pub(super) async fn plaintext() -> Self {
        Self::start(None).await
    }

    pub(super) async fn tls(files: &Certificates) -> Self {
        Self::start(Some(config(files, &of_service(), false))).await
    }

    pub(super) async fn mutual_tls(files: &Certificates) -> Self {
        Self::start(Some(config(files, &of_service(), true))).await
    }

    pub(super) async fn tls_expired(files: &Certificates) -> Self {
        let mut parameters = of_service();
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        Self::start(Some(config(files, &parameters, false))).await
    }

    /// Options to call it by TLS.
    pub(super) fn options(&self) -> ConnectOptions {
        ConnectOptions::new(format!("https://{}", self.address), super::TIMEOUT)
    }

    async fn start(config: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = config.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match acceptor.clone() {
                    None => drop(tokio::spawn(answer(stream))),
                    Some(acceptor) => drop(tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            answer(stream).await;
                        }
                    })),
                }
            }
        });
        Self { address }
    }
}

/// Answers each call with an error that names its token.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let answer = service_fn(async |request: Request<hyper::body::Incoming>| {
        let token = request.headers().get(AUTHORIZATION);
        let token = token.map_or("none", |token| token.to_str().unwrap()).to_owned();
        Ok::<Response<Body>, Infallible>(Status::not_found(token).into_http())
    });
    let server = http2::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

fn config(files: &Certificates, parameters: &CertificateParams, is_mutual: bool) -> ServerConfig {
    let (certificate, key) = files.sign(parameters);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if is_mutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(files.ca()).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
