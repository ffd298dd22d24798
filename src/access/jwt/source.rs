//! Where the keys come from: a file, or a URL that is asked with bounds on time and size.
//!
//! What is read is not known here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::config::JwtKeys;
use crate::small_file;
use crate::threads::try_out;

/// A set of some hundred keys has fewer.
const MAX_BYTES: usize = 256 << 10;
/// The time that a server has for everything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the source.
///
/// # Errors
///
/// What is wrong, and what to do.
pub(super) fn read(keys: &JwtKeys) -> Result<Vec<u8>, String> {
    match keys {
        JwtKeys::File { file } => read_file(file),
        JwtKeys::Url { url, ca, token_file } => fetch(url, ca.as_deref(), token_file.as_deref()),
    }
}

fn fetch(url: &str, ca: Option<&Path>, token_file: Option<&Path>) -> Result<Vec<u8>, String> {
    // ureq starts a thread to find the address, and panics where there is none.
    try_out(1).map_err(|error| error.to_string())?;
    let mut request = agent(ca)?.get(url);
    if let Some(file) = token_file {
        let token = bearer_token(file).map_err(|why| format!("rpc.jwt.jwks_token_file: {why}"))?;
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut response = request.call().map_err(|error| format!("no answer: {error}"))?;
    if response.status() != 200 {
        return Err(format!("the answer has the status {}, and not 200", response.status()));
    }
    let body = response.body_mut().with_config().limit(MAX_BYTES as u64);
    body.read_to_vec().map_err(|error| format!("the answer did not come whole: {error}"))
}

/// A new one each time, since the file of the CAs may have changed.
fn agent(ca: Option<&Path>) -> Result<Agent, String> {
    let roots =
        ca.map_or(Ok(Vec::new()), roots).map_err(|why| format!("rpc.jwt.jwks_ca: {why}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(TIMEOUT))
        // The address that is configured is the one that is trusted.
        .max_redirects(0)
        .proxy(None)
        .http_status_as_error(false);
    Ok(config.build().new_agent())
}

fn read_file(file: &Path) -> Result<Vec<u8>, String> {
    small_file::read(file, MAX_BYTES).map_err(|error| small_file::explain(&error))
}

fn bearer_token(file: &Path) -> Result<String, String> {
    let token = String::from_utf8(read_file(file)?).map_err(|_| "it is not text")?;
    Ok(token.trim().to_owned())
}

fn roots(file: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let pem = read_file(file)?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    let is_empty = certificates.is_empty();
    if is_empty { Err("there is no certificate in PEM in it".into()) } else { Ok(certificates) }
}
