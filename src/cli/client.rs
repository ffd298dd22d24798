//! How client verbs reach a running service.

use std::time::Duration;

use clap::Args;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::failure::{Exit, Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which service to ask, and how long to wait for it.
#[derive(Debug, Args)]
pub(super) struct ClientArgs {
    /// The service's gRPC address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    endpoint: String,
    /// How long to wait for an answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl ClientArgs {
    /// A request that tells the service how long its caller waits.
    pub(super) fn within_timeout<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    pub(super) async fn connect(&self) -> Result<Channel, Failure> {
        let usage = |error: String| {
            let cure = "write it as http://HOST:PORT";
            Failure::new(Exit::Usage, format!("--endpoint {}: {error}; {cure}", self.endpoint))
        };
        let parsed = Endpoint::from_shared(self.endpoint.clone());
        let endpoint = parsed.map_err(|error| usage(error.to_string()))?;
        if endpoint.uri().scheme_str() != Some("http") {
            return Err(usage("not an http address".into()));
        }
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(self.timeout);
        endpoint.connect().await.map_err(|error| {
            let cause = innermost(&error);
            let cure = "is millpond running there? --endpoint names another address";
            let message = format!("cannot reach {}: {cause}; {cure}", self.endpoint);
            Failure::new(Exit::Unreachable, message)
        })
    }
}

/// The transport says only that it failed; why is told by its cause.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
