//! How a client connects: its options, which of them fit together, and connecting.
//!
//! What TLS does with the files is in `tls`, what becomes of the token in `token`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Client;
use crate::balance::{self, Target};
use crate::channel::AuthorizedChannel;
use crate::connect_error::ConnectError;
use crate::connections::{Connection, Connections};
use crate::dial::Dial;
use crate::endpoint::{Address, Transport};
use crate::tls::Tls;
use crate::tls_files::{TlsFiles, Verification};
use crate::token::TokenFile;

/// Connections to each address of a name.
const CONNECTIONS: usize = 2;

/// How to connect to a service.
///
/// ```no_run
/// # use std::time::Duration;
/// # use millpond_client::{ConnectError, ConnectOptions};
/// # async fn example() -> Result<(), ConnectError> {
/// let client = ConnectOptions::new("https://millpond.example:50051", Duration::from_secs(10))
///     .ca("/tls/ca.crt")
///     .certificate("/tls/tls.crt", "/tls/tls.key")
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// The files of certificates and keys are read anew for each connection, and the token's file when
/// it has changed, so none of them needs a restart.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    endpoint: String,
    timeout: Duration,
    files: TlsFiles,
    token_file: Option<PathBuf>,
    server_name: Option<String>,
    verification: Verification,
    connections_per_address: usize,
    hedge_after: Option<Duration>,
}

impl ConnectOptions {
    /// Options for the service at `endpoint`: `http://HOST:PORT`, or `https://HOST:PORT` for TLS.
    ///
    /// `timeout` is the longest time of a call. The client ends a call that takes longer, and
    /// [`Client::request`] tells the service the deadline, so that it stops working on it.
    pub fn new(endpoint: impl Into<String>, timeout: Duration) -> Self {
        Self {
            endpoint: endpoint.into(),
            timeout,
            files: TlsFiles::default(),
            token_file: None,
            server_name: None,
            verification: Verification::Full,
            connections_per_address: CONNECTIONS,
            hedge_after: None,
        }
    }

    /// Trusts the CAs of this PEM file, and not those of the system.
    #[must_use]
    pub fn ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.files.ca = Some(file.into());
        self
    }

    /// Shows the service this certificate, with its chain. Both files are PEM.
    #[must_use]
    pub fn certificate(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.files.certificate = Some((chain.into(), key.into()));
        self
    }

    /// Sends the token of this file with each call.
    #[must_use]
    pub fn token_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.token_file = Some(file.into());
        self
    }

    /// Expects this name in the service's certificate, and not the host of the endpoint.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Connects to whoever answers: the service's certificate is not verified, and a token goes over
    /// plaintext too. For trying things out.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.verification = Verification::None;
        self
    }

    /// Opens so many connections to each address of a name, and 2 if this is not said. One core of a
    /// service serves a connection, so two for each of its cores keep all of them busy.
    #[must_use]
    pub fn connections_per_address(mut self, connections: NonZeroUsize) -> Self {
        self.connections_per_address = connections.get();
        self
    }

    /// Makes a lookup a second time if it is not answered after this, and takes the answer that comes
    /// first. It helps callers of [`connect_balanced`](Self::connect_balanced) against an instance that
    /// is slow at times: the 99th percentile of the latency is a good value.
    #[must_use]
    pub fn hedge_after(mut self, delay: Duration) -> Self {
        self.hedge_after = Some(delay);
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// If the options do not fit together, a file cannot be used, or no service answers at the
    /// endpoint within five seconds. A service refuses a client's certificate only at the first call.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let Parts { address, tls, token } = self.parts()?;
        let dial = Dial::new(address.endpoint().clone(), tls);
        let of_transport = |error| ConnectError::of_transport(&self.endpoint, &error);
        let channel = dial.connect().await.map_err(of_transport)?;
        let one = Connection { channel, dial: Arc::new(dial) };
        Ok(self.client(Connections::one(one), token, &address))
    }

    /// Creates a client that connects at its first call, which fails if no service answers.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the options do not fit together, or a file cannot be used.
    pub fn connect_lazy(self) -> Result<Client, ConnectError> {
        let Parts { address, tls, token } = self.parts()?;
        let dial = Dial::new(address.endpoint().clone(), tls);
        let one = Connection { channel: dial.connect_lazy(), dial: Arc::new(dial) };
        Ok(self.client(Connections::one(one), token, &address))
    }

    /// Creates a client that calls all instances behind the endpoint in turn.
    ///
    /// The name of the host is resolved again and again, and each of its addresses gets
    /// [`connections_per_address`](Self::connections_per_address). An instance that is not ready, by the
    /// standard health protocol, gets no calls. Without any that is, calls wait, at most for the
    /// timeout.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the options do not fit together, or a file cannot be used.
    pub fn connect_balanced(self) -> Result<Client, ConnectError> {
        let Parts { address, tls, token } = self.parts()?;
        let connections = self.connections_per_address;
        let target = Target { address: address.clone(), tls, token: token.clone(), connections };
        Ok(self.client(balance::keep(target), token, &address))
    }

    fn parts(&self) -> Result<Parts, ConnectError> {
        let address = Address::parse(&self.endpoint, self.timeout)?;
        self.check_transport(&address)?;
        let tls = match address.transport() {
            Transport::Plaintext => None,
            Transport::Tls => Some(self.tls(&address)?),
        };
        let token = self.token_file.clone().map(TokenFile::open).transpose()?;
        Ok(Parts { address, tls, token: token.map(Arc::new) })
    }

    /// Whether the options make sense for such a connection, and give no token away.
    fn check_transport(&self, address: &Address) -> Result<(), ConnectError> {
        let refuse = |why: String| Err(ConnectError::Options(why));
        if address.transport() == Transport::Tls {
            return Ok(());
        }
        if !self.files.is_empty() || self.server_name.is_some() {
            return refuse(format!(
                "{address} is plaintext, and a CA, a certificate and a server name are for TLS: \
                 write https://, or leave them out"
            ));
        }
        let gives_token_away = self.token_file.is_some()
            && self.verification == Verification::Full
            && !address.is_loopback();
        if gives_token_away {
            return refuse(format!(
                "{address} is plaintext, and everybody on the way could read the token: write \
                 https://, or say that the connection may be insecure"
            ));
        }
        Ok(())
    }

    fn tls(&self, address: &Address) -> Result<Tls, ConnectError> {
        let name = self.server_name.as_deref().unwrap_or_else(|| address.host());
        Tls::new(&self.endpoint, name, self.files.clone(), self.verification)
    }

    fn client(
        &self,
        connections: Connections,
        token: Option<Arc<TokenFile>>,
        address: &Address,
    ) -> Client {
        let transport = address.transport();
        let channel = AuthorizedChannel::new(connections, token, transport, self.timeout);
        Client::new(channel, self.timeout, self.hedge_after)
    }
}

/// What a connection is made of.
struct Parts {
    address: Address,
    /// None for plaintext.
    tls: Option<Tls>,
    token: Option<Arc<TokenFile>>,
}

/// Connections without further options.
impl Client {
    /// Connects to the service at `endpoint`, as in `http://127.0.0.1:50051`. [`ConnectOptions`] has
    /// more.
    ///
    /// # Errors
    /// If the endpoint cannot be used, or no service answers there within five seconds.
    pub async fn connect(endpoint: &str, timeout: Duration) -> Result<Self, ConnectError> {
        ConnectOptions::new(endpoint, timeout).connect().await
    }

    /// Creates a client that connects at its first call, which fails if no service answers.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the endpoint cannot be used.
    pub fn connect_lazy(endpoint: &str, timeout: Duration) -> Result<Self, ConnectError> {
        ConnectOptions::new(endpoint, timeout).connect_lazy()
    }
}

#[cfg(test)]
#[cfg(feature = "tls")]
mod tests;
