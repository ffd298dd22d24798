//! The address of a service: what it may be, and what it says of the connection.

use std::net::IpAddr;
use std::time::Duration;

use tonic::transport::Endpoint;

use crate::connect_error::ConnectError;

/// How long connecting may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Plaintext,
    Tls,
}

/// Parses an address, and says how to connect to it.
pub(crate) fn parse(
    endpoint: &str,
    timeout: Duration,
) -> Result<(Endpoint, Transport), ConnectError> {
    let unusable =
        |reason: String| ConnectError::Endpoint { endpoint: endpoint.to_owned(), reason };
    let parsed = Endpoint::from_shared(endpoint.to_owned());
    let parsed = parsed.map_err(|error| unusable(error.to_string()))?;
    let transport = match parsed.uri().scheme_str() {
        Some("http") => Transport::Plaintext,
        Some("https") => Transport::Tls,
        _ => return Err(unusable("neither an http nor an https address".into())),
    };
    Ok((parsed.connect_timeout(CONNECT_TIMEOUT).timeout(timeout), transport))
}

/// Whether the address is this machine's, so that nothing crosses a network.
pub(crate) fn is_loopback(endpoint: &Endpoint) -> bool {
    let host = host(endpoint);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host, an IPv6 address without its brackets.
pub(crate) fn host(endpoint: &Endpoint) -> &str {
    let host = endpoint.uri().host().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[test]
    fn an_endpoint_that_is_no_http_address_is_refused_with_its_right_form() {
        for endpoint in ["http://not a url", "localhost:50051", "ftp://localhost", ""] {
            let error = parse(endpoint, TIMEOUT).unwrap_err();
            assert!(matches!(error, ConnectError::Endpoint { .. }), "{endpoint}: {error:?}");
            assert!(error.to_string().contains("https://HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://localhost.example:1", false),
            ("http://127.0.0.1.example:1", false),
            ("http://10.0.0.1:1", false),
            ("http://[::]:1", false),
        ] {
            let (endpoint, _) = parse(endpoint, TIMEOUT).unwrap();
            assert_eq!(is_loopback(&endpoint), expected, "{}", endpoint.uri());
        }
    }
}
