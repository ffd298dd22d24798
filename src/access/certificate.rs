//! The names in a client certificate: its one URI, and its DNS names.
//!
//! A certificate with two URIs names nobody, as SPIFFE has it: its owner would be two. The common
//! name does not count. That the certificate is genuine was proved before, and is not known here.

use std::sync::Arc;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::identity::{Identity, is_plain};

/// Names of one certificate that count.
const MAX_NAMES: usize = 16;

/// The identities of the owner of a certificate in DER; empty if it names nobody.
pub(super) fn identities(der: &[u8]) -> Vec<Identity> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    // An error means that there are two lists of names.
    let Ok(Some(list)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = &list.value.general_names;
    let uris = names.iter().filter(|name| matches!(name, GeneralName::URI(_))).count();
    if uris > 1 || names.len() > MAX_NAMES {
        return Vec::new();
    }
    // The URI first: it is what the caller is called in the statistics.
    let uris = names.iter().filter_map(uri);
    let names = uris.chain(names.iter().filter_map(dns_name));
    names.map(|name| Identity::Certificate(Arc::from(name))).collect()
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) if is_plain(uri) && uri.contains("://") => Some((*uri).to_owned()),
        _ => None,
    }
}

/// A DNS name in small letters. One with other characters than DNS has could look like a URI.
fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    let GeneralName::DNSName(name) = name else { return None };
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c);
    (is_plain(name) && name.chars().all(is_legal)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
