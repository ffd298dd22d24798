//! How to open a connection to one endpoint.

use std::error::Error;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::HttpConnector;
use tonic::codegen::http::Uri;
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::{self, Channel, Endpoint};

use crate::tls::Tls;

/// An endpoint, by plaintext or by TLS.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    endpoint: Endpoint,
    /// None for plaintext.
    tls: Option<Tls>,
}

impl Dial {
    pub(crate) fn new(endpoint: Endpoint, tls: Option<Tls>) -> Self {
        Self { endpoint, tls }
    }

    /// Connects now. A connection that is lost is replaced by another at the next call.
    pub(crate) async fn connect(&self) -> Result<Channel, transport::Error> {
        match self.tls.clone() {
            Some(tls) => self.endpoint.connect_with_connector(tls).await,
            None => self.endpoint.connect().await,
        }
    }

    /// The same, and connects at the first call.
    pub(crate) fn connect_lazy(&self) -> Channel {
        match self.tls.clone() {
            Some(tls) => self.endpoint.connect_with_connector_lazy(tls),
            None => self.endpoint.connect_lazy(),
        }
    }

    /// Connects at the first call. When that connection is lost, all further calls fail: none goes to
    /// another process without a word.
    pub(crate) fn connect_once(&self) -> Channel {
        if let Some(tls) = self.tls.clone() {
            return self.endpoint.connect_with_connector_lazy(Once(Some(tls)));
        }
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        self.endpoint.connect_with_connector_lazy(Once(Some(tcp)))
    }
}

/// A connector that connects once.
struct Once<C>(Option<C>);

type AnyError = Box<dyn Error + Send + Sync>;

impl<C> Service<Uri> for Once<C>
where
    C: Service<Uri, Error: Into<AnyError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = AnyError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            Some(connector) => connector.poll_ready(cx).map_err(Into::into),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self.0.take() {
            Some(mut connector) => {
                let connecting = connector.call(uri);
                Box::pin(async move { connecting.await.map_err(Into::into) })
            }
            None => Box::pin(async { Err("the connection was lost".into()) }),
        }
    }
}

#[cfg(test)]
mod tests;
