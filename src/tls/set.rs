//! One set of files, checked and ready for handshakes.
//!
//! Owns what is refused of a set, and the settings of rustls. It reads no file and knows no socket.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, RootCertStore, ServerConfig};

use super::certificate::{self, Certificate, Validity};
use super::fault::{Fault, Named};
use super::files::Files;
use super::port::Port;
use crate::config::{self, ClientCertificate};
use crate::record::Timestamp;
use crate::stats::{CertificateRole, CertificateStats};

/// The CAs that statistics list.
const MAX_LISTED: usize = 32;
const RENEW: &str = "put a certificate there that is valid now";
const WHOLE: &str = "write it again, as a whole, in PEM";

/// A set in use.
pub(super) struct CertificateSet {
    pub(super) generation: u64,
    /// Of the files.
    pub(super) digest: [u8; 32],
    pub(super) server: Arc<ServerConfig>,
    /// None where clients need no certificate and are asked for none.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    pub(super) certificates: Vec<CertificateStats>,
    /// When the first of its CAs expires.
    first_ca_expires: Option<Timestamp>,
}

/// What a set is made for.
struct Plan<'a> {
    port: Port,
    config: &'a config::Tls,
    now: Timestamp,
}

impl CertificateSet {
    /// Checks the files, and makes a set of them.
    pub(super) fn new(
        port: Port,
        config: &config::Tls,
        files: &Files,
        generation: u64,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let plan = Plan { port, config, now };
        let chain = plan.chain(&files.certificate)?;
        let client_cas = plan.client_cas(files.client_ca.as_deref())?;
        let leaf = chain.iter().take(1).map(|leaf| leaf.stats(CertificateRole::Server));
        let cas = client_cas.iter().map(|ca| ca.stats(CertificateRole::ClientCa));
        let certificates = leaf.chain(cas).take(MAX_LISTED).collect();
        let first_ca_expires = client_cas.iter().map(Certificate::expires).min();
        let verifier = plan.verifier(&client_cas)?;
        let server = Arc::new(plan.server(chain, &files.key, verifier.clone())?);
        let digest = files.digest();
        Ok(Self { generation, digest, server, verifier, certificates, first_ca_expires })
    }

    /// Whether these files make another set at this time: a CA that expired has to be left out.
    pub(super) fn is_outdated(&self, files: &Files, now: Timestamp) -> bool {
        let has_expired_ca = self.first_ca_expires.is_some_and(|expires| now > expires);
        has_expired_ca || files.digest() != self.digest
    }

    /// Whether a client with these certificates, the leaf first, may go on.
    pub(super) fn accepts(&self, chain: &[CertificateDer<'static>]) -> bool {
        let (Some(verifier), [leaf, intermediates @ ..]) = (&self.verifier, chain) else {
            return true;
        };
        verifier.verify_client_cert(leaf, intermediates, UnixTime::now()).is_ok()
    }
}

impl Plan<'_> {
    fn chain(&self, pem: &[u8]) -> Result<Vec<Certificate>, Fault> {
        let file = self.named("certificate", &self.config.certificate);
        let chain = certificate::parse(pem).map_err(|wrong| file.fault(wrong, WHOLE))?;
        let invalid = chain.iter().find_map(|certificate| certificate.invalidity(self.now));
        match invalid {
            Some(wrong) => Err(file.fault(wrong, RENEW)),
            None => Ok(chain),
        }
    }

    /// The CAs that are valid. Verification itself does not look at their times.
    fn client_cas(&self, pem: Option<&[u8]>) -> Result<Vec<Certificate>, Fault> {
        let (Some(pem), Some(file)) = (pem, &self.config.client_ca) else { return Ok(Vec::new()) };
        let file = self.named("client_ca", file);
        let mut cas = certificate::parse(pem).map_err(|wrong| file.fault(wrong, WHOLE))?;
        let invalid = cas.iter().find_map(|ca| ca.invalidity(self.now));
        cas.retain(|ca| ca.validity(self.now) == Validity::Valid);
        match invalid {
            Some(wrong) if cas.is_empty() => Err(file.fault(wrong, RENEW)),
            _ => Ok(cas),
        }
    }

    fn verifier(&self, cas: &[Certificate]) -> Result<Option<Arc<dyn ClientCertVerifier>>, Fault> {
        let Some(file) = &self.config.client_ca else { return Ok(None) };
        let file = self.named("client_ca", file);
        let cure = "put the certificates of CAs there";
        let mut roots = RootCertStore::empty();
        for ca in cas {
            let added = roots.add(ca.der.clone());
            added.map_err(|error| file.fault(format!("a CA in it is of no use: {error}"), cure))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = match self.config.client_certificate {
            Some(ClientCertificate::Optional) => builder.allow_unauthenticated().build(),
            Some(ClientCertificate::Required) | None => builder.build(),
        };
        verifier.map(Some).map_err(|error| file.fault(error.to_string(), cure))
    }

    fn server(
        &self,
        chain: Vec<Certificate>,
        key: &[u8],
        verifier: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<ServerConfig, Fault> {
        let key = self.key(key)?;
        let chain = chain.into_iter().map(|certificate| certificate.der).collect();
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| self.unfit(&error))?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut server =
            builder.with_single_cert(chain, key).map_err(|error| self.unfit(&error))?;
        server.alpn_protocols = vec![self.port.protocol()];
        // No sessions are resumed: neither by a ticket nor by what is stored.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(server)
    }

    fn key(&self, pem: &[u8]) -> Result<PrivateKeyDer<'static>, Fault> {
        let file = self.named("key", &self.config.key);
        PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
            let cure = "write the private key there as a whole, in PEM and without a passphrase";
            file.fault(certificate::pem_fault(&error, "private key"), cure)
        })
    }

    /// Why rustls takes no such certificate and key.
    fn unfit(&self, error: &Error) -> Fault {
        match error {
            Error::InconsistentKeys(_) => self.named("key", &self.config.key).fault(
                format!("the key does not fit the certificate in {}", self.config.certificate),
                "put the certificate and the key of one set there",
            ),
            Error::InvalidCertificate(why) => {
                self.named("certificate", &self.config.certificate)
                    .fault(format!("the certificate is of no use: {why:?}"), WHOLE)
            }
            _ => self.named("key", &self.config.key).fault(
                "the key is damaged, or of a kind that cannot be used",
                "use a key for ECDSA (P-256 or P-384) or Ed25519, or of RSA with at least 2048 bits",
            ),
        }
    }

    fn named<'a>(&self, key: &'static str, file: &'a str) -> Named<'a> {
        Named { port: self.port, key, file }
    }
}

/// What does the cryptography. It is named here, and none is set for the whole process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl fmt::Debug for CertificateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateSet")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
