//! A connection to one service.
//!
//! Owns parsing the endpoint, the timeouts of the connection and of calls, and the errors of
//! connecting. The methods themselves are those of the generated stubs. One client has one service:
//! balancing over several services is not done here.

use std::error::Error;
use std::time::Duration;

use thiserror::Error;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::v1::lookup_service_client::LookupServiceClient;
use crate::v1::maintenance_service_client::MaintenanceServiceClient;
use crate::v1::stats_service_client::StatsServiceClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to one service, by HTTP/2 without TLS. Clones share it.
///
/// It connects again by itself when the connection is lost.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    timeout: Duration,
}

/// Why there is no connection to a service.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The endpoint is not an address that this client can use.
    #[error("{endpoint}: {reason}; write it as http://HOST:PORT")]
    Endpoint {
        /// The endpoint as it was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No service answers at the endpoint.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// The endpoint as it was given.
        endpoint: String,
        /// The innermost cause. The outer ones say only that connecting failed.
        reason: String,
    },
}

impl Client {
    /// Connects to the service at `endpoint`, as in `http://127.0.0.1:50051`.
    ///
    /// `timeout` is the longest time of a call. The client ends a call that takes longer, and
    /// [`request`](Self::request) tells the service the deadline, so that it stops working on it.
    ///
    /// # Errors
    /// If the endpoint cannot be used, or no service answers there within five seconds.
    pub async fn connect(endpoint: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let channel = parse(endpoint, timeout)?.connect().await.map_err(|error| {
            ConnectError::Unreachable { endpoint: endpoint.into(), reason: innermost(&error) }
        })?;
        Ok(Self { channel, timeout })
    }

    /// Creates a client that connects at its first call, which fails if no service answers.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the endpoint cannot be used.
    pub fn connect_lazy(endpoint: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let channel = parse(endpoint, timeout)?.connect_lazy();
        Ok(Self { channel, timeout })
    }

    /// The methods that read tables.
    pub fn lookup(&self) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.channel())
    }

    /// The methods that report on the service.
    pub fn stats(&self) -> StatsServiceClient<Channel> {
        StatsServiceClient::new(self.channel())
    }

    /// The methods that explain and free the memory of the service.
    pub fn maintenance(&self) -> MaintenanceServiceClient<Channel> {
        MaintenanceServiceClient::new(self.channel())
    }

    /// A request that tells the service how long its caller waits.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    /// The connection, for services of other protocols: health and reflection.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

fn parse(endpoint: &str, timeout: Duration) -> Result<Endpoint, ConnectError> {
    let unusable =
        |reason: String| ConnectError::Endpoint { endpoint: endpoint.to_owned(), reason };
    let parsed = Endpoint::from_shared(endpoint.to_owned());
    let parsed = parsed.map_err(|error| unusable(error.to_string()))?;
    if parsed.uri().scheme_str() != Some("http") {
        return Err(unusable("not an http address".into()));
    }
    Ok(parsed.connect_timeout(CONNECT_TIMEOUT).timeout(timeout))
}

fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn an_endpoint_that_is_no_http_address_is_refused_with_its_right_form() {
        for endpoint in ["http://not a url", "https://localhost:50051", "localhost:50051", ""] {
            let error = Client::connect(endpoint, TIMEOUT).await.unwrap_err();
            assert!(matches!(error, ConnectError::Endpoint { .. }), "{endpoint}: {error:?}");
            assert!(error.to_string().contains("http://HOST:PORT"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_unreachable_and_the_reason_is_the_innermost() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Client::connect(&format!("http://{free}"), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
    }

    #[tokio::test]
    async fn a_request_carries_the_callers_timeout() {
        let client = Client::connect_lazy("http://localhost:1", TIMEOUT).unwrap();
        let request = client.request(());
        assert!(request.metadata().contains_key("grpc-timeout"));
    }
}
