//! The address of a service: what it may be, and what it says of the connection.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tonic::transport::Endpoint;

use crate::connect_error::ConnectError;

/// How long connecting may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a peer that is called is asked whether it is still there, and how long it may take to
/// answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Plaintext,
    Tls,
}

/// The address of a service, and how long its calls may take.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    text: String,
    endpoint: Endpoint,
    transport: Transport,
    timeout: Duration,
}

impl Address {
    /// Parses `http://HOST:PORT` or `https://HOST:PORT`.
    pub(crate) fn parse(text: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let unusable =
            |reason: String| ConnectError::Endpoint { endpoint: text.to_owned(), reason };
        let parsed = Endpoint::from_shared(text.to_owned());
        let parsed = parsed.map_err(|error| unusable(error.to_string()))?;
        let transport = match parsed.uri().scheme_str() {
            Some("http") => Transport::Plaintext,
            Some("https") => Transport::Tls,
            _ => return Err(unusable("neither an http nor an https address".into())),
        };
        let endpoint = with_times(parsed, timeout);
        Ok(Self { text: text.to_owned(), endpoint, transport, timeout })
    }

    /// How to connect to whichever instance the name leads to.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How to connect to one instance.
    pub(crate) fn endpoint_at(&self, instance: SocketAddr) -> Endpoint {
        let uri = self.endpoint.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        let at = Endpoint::from_shared(format!("{scheme}://{instance}"));
        // It is an address with a port, so it can be one of an endpoint.
        let at = at.unwrap_or_else(|_| self.endpoint.clone());
        with_times(at.origin(uri.clone()), self.timeout)
    }

    /// The addresses of the name.
    ///
    /// # Errors
    /// If it has none, with the reason.
    pub(crate) async fn resolve(&self) -> Result<BTreeSet<SocketAddr>, String> {
        let port = self.endpoint.uri().port_u16().unwrap_or(match self.transport {
            Transport::Plaintext => 80,
            Transport::Tls => 443,
        });
        let found = tokio::net::lookup_host((self.host(), port)).await;
        let found = found.map_err(|error| format!("its name cannot be resolved: {error}"))?;
        let addresses = found.collect::<BTreeSet<_>>();
        if addresses.is_empty() { Err("its name has no address".into()) } else { Ok(addresses) }
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the address is this machine's, so that nothing crosses a network.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The host, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.endpoint.uri().host().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// Bounds the time of connecting and of a call, and notices a peer that is gone without a word.
fn with_times(endpoint: Endpoint, timeout: Duration) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
}

impl Display for Address {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[test]
    fn an_endpoint_that_is_no_http_address_is_refused_with_its_right_form() {
        for endpoint in ["http://not a url", "localhost:50051", "ftp://localhost", ""] {
            let error = Address::parse(endpoint, TIMEOUT).unwrap_err();
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
            let address = Address::parse(endpoint, TIMEOUT).unwrap();
            assert_eq!(address.is_loopback(), expected, "{address}");
        }
    }
}
