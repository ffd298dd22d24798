//! The connections to a service, and the stubs of its methods.
//!
//! The methods of the stubs make one attempt. Lookups that are repeated are in `calls`, and how a
//! connection is made is in `connect`.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Status};

use crate::budget::RetryBudget;
use crate::channel::AuthorizedChannel;
use crate::v1::lookup_service_client::LookupServiceClient;
use crate::v1::maintenance_service_client::MaintenanceServiceClient;
use crate::v1::stats_service_client::StatsServiceClient;

/// Connections to a service, by HTTP/2. Clones share them.
///
/// It connects again by itself when a connection is lost.
#[derive(Debug, Clone)]
pub struct Client {
    channel: AuthorizedChannel,
    timeout: Duration,
    hedge_after: Option<Duration>,
    budget: Arc<RetryBudget>,
}

impl Client {
    pub(crate) fn new(
        channel: AuthorizedChannel,
        timeout: Duration,
        hedge_after: Option<Duration>,
    ) -> Self {
        Self { channel, timeout, hedge_after, budget: Arc::new(RetryBudget::new()) }
    }

    /// The methods that read tables.
    pub fn lookup(&self) -> LookupServiceClient<AuthorizedChannel> {
        LookupServiceClient::new(self.channel())
    }

    /// The methods that report on the service.
    pub fn stats(&self) -> StatsServiceClient<AuthorizedChannel> {
        StatsServiceClient::new(self.channel())
    }

    /// The methods that explain and free the memory of the service.
    pub fn maintenance(&self) -> MaintenanceServiceClient<AuthorizedChannel> {
        MaintenanceServiceClient::new(self.channel())
    }

    /// A request that tells the service how long its caller waits.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    /// The longest time of a call.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When a lookup that is not answered is made a second time.
    pub(crate) fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after
    }

    /// A client with a connection of its own, to one process. When that is lost, its calls fail.
    pub(crate) async fn pin(&self) -> Result<Self, Status> {
        Ok(Self { channel: self.channel.pin().await?, ..self.clone() })
    }

    /// Why no call can be made at this moment, if that is so.
    pub(crate) fn fault(&self) -> Option<Status> {
        self.channel.fault()
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// The same for the next message of a stream that has no deadline.
    pub(crate) async fn in_time<T>(
        &self,
        message: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let silent = |_| Status::deadline_exceeded("the service sent nothing in time");
        tokio::time::timeout(self.timeout, message).await.map_err(silent).flatten()
    }

    /// The connection, for services of other protocols: health and reflection.
    pub fn channel(&self) -> AuthorizedChannel {
        self.channel.clone()
    }
}
