//! What is made of the files of a client's TLS.
//!
//! A file that cannot be used is named in the error, and nothing of its content is.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::unverified::Unverified;
use crate::connect_error::ConnectError;
use crate::tls_files::{TlsFiles, Verification};

/// The name of HTTP/2 in ALPN.
pub(super) const HTTP2: &[u8] = b"h2";
/// A certificate and its key may be replaced between reading one and the other.
const ATTEMPTS: usize = 3;

impl TlsFiles {
    /// Reads the files for one connection.
    pub(super) fn read(
        &self,
        verification: Verification,
    ) -> Result<Arc<ClientConfig>, ConnectError> {
        let mut read = self.read_once(verification);
        for _ in 1..ATTEMPTS {
            if read.is_err() {
                read = self.read_once(verification);
            }
        }
        read
    }

    fn read_once(&self, verification: Verification) -> Result<Arc<ClientConfig>, ConnectError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider, verification)?;
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| {
            ConnectError::Options(format!("TLS cannot be set up in this program: {error}"))
        })?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let (certificates, secret) = (certificates(chain)?, private_key(key)?);
                let config = builder.with_client_auth_cert(certificates, secret);
                config.map_err(|error| unusable(key, &misfit(chain, &error)))?
            }
        };
        config.alpn_protocols = vec![HTTP2.to_vec()];
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
        verification: Verification,
    ) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
        if verification == Verification::None {
            return Ok(Arc::new(Unverified::new(provider)));
        }
        let roots = match &self.ca {
            Some(file) => roots(file)?,
            None => system_roots()?,
        };
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let unusable = |error| ConnectError::Options(format!("no CA is usable: {error}"));
        Ok(verifier.build().map_err(unusable)?)
    }
}

fn roots(file: &Path) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|error| unusable(file, &format!("a certificate in it is no CA: {error}")))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, ConnectError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = "this system has no CAs: give the file of the CA that signed the service's \
                   certificate";
        return Err(ConnectError::Options(why.into()));
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| unusable(file, &unreadable("certificate", &error)))?;
    if all.is_empty() {
        return Err(unusable(file, "there is no PEM certificate in it"));
    }
    Ok(all)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, ConnectError> {
    let key = PrivateKeyDer::from_pem_file(file);
    key.map_err(|error| unusable(file, &unreadable("private key, without a password", &error)))
}

fn unreadable(what: &str, error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("it cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("there is no PEM {what} in it"),
        // Its text may quote a line.
        _ => "it is not whole PEM".into(),
    }
}

fn misfit(chain: &Path, error: &rustls::Error) -> String {
    let chain = chain.display();
    match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("it is not the key of the certificate in {chain}")
        }
        other => format!("it cannot be used with the certificate in {chain}: {other}"),
    }
}

fn unusable(file: &Path, reason: &str) -> ConnectError {
    ConnectError::File { file: file.into(), reason: reason.into() }
}
