//! Certificates made anew for each test, and clients that use them.
//!
//! Owns CAs, the files of a server, and connections by TLS. Knows nothing of the service behind the
//! port.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use super::service::PATIENCE;

/// A CA.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// A certificate for this DNS name, for servers and clients.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Issued { certificate, key: key.serialize_pem() }
    }
}

/// The files of a server: `tls.crt`, `tls.key` and `ca.crt` in a folder, behind a link as Kubernetes
/// makes it.
pub(crate) struct ServerFiles {
    folder: TempDir,
    swaps: usize,
}

impl ServerFiles {
    pub(crate) fn new(server: &Issued, client_cas: &[&Authority]) -> Self {
        let mut files = Self { folder: tempfile::tempdir().unwrap(), swaps: 0 };
        files.swap(server, client_cas);
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(Path::new("..data").join(name), files.path(name)).unwrap();
        }
        files
    }

    /// Puts another set in place by one link, at once.
    pub(crate) fn swap(&mut self, server: &Issued, client_cas: &[&Authority]) {
        self.swaps += 1;
        let data = self.path(&format!("..data-{}", self.swaps));
        fs::create_dir(&data).unwrap();
        write(&data, server, client_cas);
        symlink(&data, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
    }

    /// Writes another set file by file.
    pub(crate) fn overwrite(&self, server: &Issued, client_cas: &[&Authority]) {
        write(self.folder.path(), server, client_cas);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings of a section, such as `rpc.tls`, with these files.
    pub(crate) fn settings(&self, section: &str, with_client_ca: bool) -> Vec<String> {
        let keys = [("certificate", "tls.crt"), ("key", "tls.key"), ("client_ca", "ca.crt")];
        let keys = &keys[..if with_client_ca { 3 } else { 2 }];
        let files =
            keys.iter().map(|(key, name)| format!("{section}.{key}={}", self.path(name).display()));
        files.chain([format!("{section}.reload_interval=100ms")]).collect()
    }
}

fn write(folder: &Path, server: &Issued, client_cas: &[&Authority]) {
    let cas: String = client_cas.iter().map(|ca| ca.pem()).collect();
    fs::write(folder.join("tls.key"), &server.key).unwrap();
    fs::write(folder.join("tls.crt"), &server.certificate).unwrap();
    fs::write(folder.join("ca.crt"), cas).unwrap();
}

/// A client that trusts one CA, and keeps the sessions that it is given.
#[derive(Clone)]
pub(crate) struct TlsClient(TlsConnector);

impl TlsClient {
    pub(crate) fn new(trusted: &Authority, own: Option<&Issued>, protocol: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(Issued { certificate, key }) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.into()];
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// Connects. In TLS 1.3 a server refuses a certificate only after that.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(address).await?;
        self.0.connect(ServerName::try_from("localhost").unwrap(), socket).await
    }

    /// A connection for calls, made at the first one.
    pub(crate) fn channel(&self, address: SocketAddr) -> Channel {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(PATIENCE);
        let client = self.clone();
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
            let client = client.clone();
            async move { client.connect(address).await.map(TokioIo::new) }
        }))
    }
}
