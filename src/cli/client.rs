//! The arguments of client verbs that name the service, and the connection to it.

use std::time::Duration;

use clap::Args;
use millpond_client::{Client, ConnectError};

use super::failure::{Exit, Failure};

/// Which service to ask, and how long to wait for it.
#[derive(Debug, Args)]
pub(super) struct ClientArgs {
    /// The service's gRPC address
    #[arg(long, value_name = "URL", env = "MILLPOND_ENDPOINT")]
    #[arg(default_value = "http://127.0.0.1:50051")]
    endpoint: String,
    /// How long to wait for an answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl ClientArgs {
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.endpoint, self.timeout).await?)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match &error {
            ConnectError::Endpoint { .. } => Self::new(Exit::Usage, format!("--endpoint {error}")),
            ConnectError::Unreachable { .. } => {
                let cure = "is millpond running there? --endpoint or MILLPOND_ENDPOINT names another address";
                Self::new(Exit::Unreachable, format!("{error}; {cure}"))
            }
        }
    }
}
