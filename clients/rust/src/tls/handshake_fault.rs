//! Why a TLS handshake failed on our side, in words for people: what is wrong, and what to do.

use std::io::{Error as IoError, ErrorKind};

use rustls::{CertificateError, Error};

use crate::handshake_alert;

/// At most so many of the names of a certificate are listed.
const MAX_NAMES: usize = 5;

pub(super) fn reason(error: &IoError) -> String {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match of_tls {
        Some(error) => reason_of_tls(error),
        None if error.kind() == ErrorKind::UnexpectedEof => {
            "the other side closed the connection during the handshake: is it a port with TLS?"
                .into()
        }
        None => error.to_string(),
    }
}

fn reason_of_tls(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => reason_of_certificate(fault),
        Error::InvalidMessage(_) => {
            "the port does not speak TLS: write http:// if plaintext is meant, or configure TLS \
             for the service"
                .into()
        }
        Error::NoApplicationProtocol => "the port speaks TLS, but not HTTP/2".into(),
        other => {
            let text = other.to_string();
            handshake_alert::reason(&text).unwrap_or(text)
        }
    }
}

fn reason_of_certificate(fault: &CertificateError) -> String {
    use CertificateError as Fault;
    match fault {
        // A CA that was made anew under the same name has another signature.
        Fault::UnknownIssuer | Fault::BadSignature => {
            "the service's certificate is signed by no CA that is trusted here: give the file of \
             the CA that signed it"
                .into()
        }
        Fault::Expired | Fault::ExpiredContext { .. } => {
            "the service's certificate has expired: renew it there, or set the clock here right"
                .into()
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => {
            "the service's certificate is not valid yet: set the clock here right".into()
        }
        Fault::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            format!(
                "the service's certificate is not for {expected} but for {}: connect to one of \
                 its names, or give the name to expect",
                names(presented)
            )
        }
        other => format!("the service's certificate is not valid: {other}"),
    }
}

fn names(presented: &[String]) -> String {
    let names = presented.iter().take(MAX_NAMES).map(|name| plain_name(name));
    let names = names.collect::<Vec<_>>().join(", ");
    match presented.len() {
        0 => "no name at all".into(),
        count if count > MAX_NAMES => format!("{names} and {} more", count - MAX_NAMES),
        _ => names,
    }
}

/// rustls writes a name as `DnsName("localhost")`.
fn plain_name(written: &str) -> &str {
    let inner = written.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(written).trim_matches('"')
}
