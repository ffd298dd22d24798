//! The arguments of client verbs that name the service and say who calls, and the connection to it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use millpond_client::{Client, ConnectError, ConnectOptions};

use super::failure::{Exit, Failure};
use super::output::escaped;
use super::progress::Progress;

/// Which service to ask, how long to wait for it, and how both sides know each other.
#[derive(Debug, Clone, Args)]
pub(super) struct ClientArgs {
    /// The service's gRPC address; https:// for TLS
    #[arg(long, value_name = "URL", env = "MILLPOND_ENDPOINT")]
    #[arg(default_value = "http://127.0.0.1:50051")]
    endpoint: String,
    /// How long to wait for an answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// The CA that signed the service's certificate (PEM). Without it, those of the system count
    #[arg(long, value_name = "FILE", env = "MILLPOND_CA")]
    ca: Option<PathBuf>,
    /// The client's certificate with its chain (PEM), for a service that asks for one
    #[arg(long, value_name = "FILE", env = "MILLPOND_CERTIFICATE", requires = "key_file")]
    certificate: Option<PathBuf>,
    /// The key of the client's certificate (PEM)
    #[arg(id = "key_file", long = "key", value_name = "FILE", env = "MILLPOND_KEY")]
    #[arg(requires = "certificate")]
    key: Option<PathBuf>,
    /// A file with the token to send
    #[arg(long, value_name = "FILE", env = "MILLPOND_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The name that the service's certificate is for, if it is not the host of the endpoint
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Take any certificate of the service, and send a token over plaintext too. Whoever is on the
    /// way can then read all, and answer in the service's place
    #[arg(long)]
    insecure: bool,
}

impl ClientArgs {
    /// Connects, and warns if nobody knows with whom.
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        if self.insecure {
            let warning = "--insecure: the service's certificate is not verified, and whoever is \
                           on the way can read all";
            // If standard error is closed, nobody can read the warning.
            let _ = writeln!(io::stderr(), "millpond: {warning}");
        }
        self.connect_again().await
    }

    /// Connects once more, without a warning.
    pub(super) async fn connect_again(&self) -> Result<Client, Failure> {
        Ok(self.options().connect().await?)
    }

    /// Says that the command waits, if that takes long, until this is dropped.
    pub(super) fn waiting(&self, what: &str) -> Progress {
        Progress::start(format!("{what} at {}", escaped(&self.endpoint)), Some(self.timeout))
    }

    /// The address of the service.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How long to wait for an answer.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new(&self.endpoint, self.timeout);
        if let Some(ca) = &self.ca {
            options = options.ca(ca);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            options = options.certificate(certificate, key);
        }
        if let Some(file) = &self.token_file {
            options = options.token_file(file);
        }
        if let Some(name) = &self.server_name {
            options = options.server_name(name);
        }
        if self.insecure { options.insecure() } else { options }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let (exit, cure) = match &error {
            ConnectError::Endpoint { .. } => {
                return Self::new(Exit::Usage, format!("--endpoint {error}"));
            }
            ConnectError::Options(_) => (
                Exit::Usage,
                "see --endpoint, --ca, --certificate, --server-name, --token-file and --insecure",
            ),
            ConnectError::File { .. } => {
                (Exit::Usage, "see --ca, --certificate, --key and --token-file")
            }
            ConnectError::Tls { .. } => (
                Exit::Unreachable,
                "--ca or MILLPOND_CA names the CA, --server-name the name to expect",
            ),
            _ => (
                Exit::Unreachable,
                "is millpond running there? --endpoint or MILLPOND_ENDPOINT names another address",
            ),
        };
        Self::new(exit, format!("{error}; {cure}"))
    }
}
