//! The connections of a client, and which of them the next call takes.
//!
//! Knows neither calls nor who opens connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;

use crate::dial::Dial;

/// The connections that calls take in turn.
#[derive(Debug)]
pub(crate) struct Connections {
    usable: watch::Receiver<Usable>,
    next: AtomicUsize,
    /// The task that says which can be used. None if there is one connection for good.
    balancer: Option<AbortHandle>,
}

/// What calls may take at this moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usable {
    /// One connection of each address, then the next one of each.
    pub(crate) connections: Vec<Connection>,
    /// Why there are none.
    pub(crate) why_none: String,
}

/// A connection, and how to open another to the same endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) channel: Channel,
    pub(crate) dial: Arc<Dial>,
}

impl Connections {
    /// One connection, whatever becomes of it.
    pub(crate) fn one(connection: Connection) -> Self {
        let usable = Usable { connections: vec![connection], why_none: String::new() };
        let (_, usable) = watch::channel(usable);
        Self { usable, next: AtomicUsize::new(0), balancer: None }
    }

    /// Those that the task `balancer` names. The task ends when this is dropped.
    pub(crate) fn balanced(usable: watch::Receiver<Usable>, balancer: AbortHandle) -> Self {
        Self { usable, next: AtomicUsize::new(0), balancer: Some(balancer) }
    }

    /// The connection for the next call. Waits for one that can be used.
    pub(crate) async fn pick(&self, patience: Duration) -> Result<Connection, Status> {
        if let Some(connection) = self.next() {
            return Ok(connection);
        }
        let mut usable = self.usable.clone();
        let some = usable.wait_for(|usable| !usable.connections.is_empty());
        let is_there = timeout(patience, some).await.is_ok_and(|waited| waited.is_ok());
        let found = is_there.then(|| self.next()).flatten();
        found.ok_or_else(|| Status::unavailable(self.usable.borrow().why_none.clone()))
    }

    /// Why none can be used at this moment, if that is so.
    pub(crate) fn fault(&self) -> Option<Status> {
        let usable = self.usable.borrow();
        usable.connections.is_empty().then(|| Status::unavailable(usable.why_none.clone()))
    }

    fn next(&self) -> Option<Connection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let usable = self.usable.borrow();
        let count = usable.connections.len();
        (count > 0).then(|| usable.connections[turn % count].clone())
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        if let Some(balancer) = &self.balancer {
            balancer.abort();
        }
    }
}
