//! Connections to a port with TLS: whom they trust, with which certificate they come, and what the
//! handshake came to.
//!
//! Owns TLS on the caller's side, so that the run sees more of it than a client library shows. Knows
//! nothing of methods and tables.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use millpond_acceptance::authority::Credential;

/// The host name in the service's certificate.
pub(crate) const HOST: &str = "localhost";

/// How a caller connects. The sessions that it may resume are kept in it.
pub(crate) type Identity = Arc<ClientConfig>;

/// Trusts the authorities in `trusted` (PEM), and comes with the certificate if there is one.
pub(crate) fn identity(
    trusted: &str,
    credential: Option<&Credential>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Identity> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(root?)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_webpki_verifier(verifier.build()?);
    let mut config = match credential {
        None => config.with_no_client_auth(),
        Some(credential) => {
            let (chain, key) = chain_and_key(credential)?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(crate) fn chain_and_key(
    credential: &Credential,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = CertificateDer::pem_slice_iter(credential.certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>().context("no certificate")?;
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes()).context("no key")?;
    Ok((chain, key))
}

/// One handshake.
pub(crate) async fn shake_hands(
    address: SocketAddr,
    identity: &Identity,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let host = ServerName::try_from(HOST).map_err(std::io::Error::other)?;
    TlsConnector::from(Arc::clone(identity)).connect(host, socket).await
}

/// A channel that connects at its first call, and again when its connection has ended. Each time it
/// asks `identity` how.
pub(crate) fn channel(
    address: SocketAddr,
    identity: impl Fn() -> Identity + Clone + Send + 'static,
) -> Result<Channel> {
    // tonic has no TLS here, and leaves it to the connector if the scheme says that there is none.
    let endpoint = Endpoint::from_shared(format!("http://{HOST}:{}", address.port()))?;
    Ok(endpoint.connect_with_connector_lazy(service_fn(move |_: http::Uri| {
        let identity = identity();
        async move { shake_hands(address, &identity).await.map(TokioIo::new) }
    })))
}
