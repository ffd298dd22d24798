//! The connections of a client, and which of them the next call takes.
//!
//! Knows neither calls nor who opens connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;

/// The connections that calls take in turn.
#[derive(Debug)]
pub(crate) struct Connections {
    usable: watch::Receiver<Usable>,
    next: AtomicUsize,
    /// None if there is one connection, which needs no care.
    upkeep: Option<AbortHandle>,
}

/// What calls may take at this moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usable {
    /// One connection of each address, then the next one of each.
    pub(crate) channels: Vec<Channel>,
    /// Why there are none.
    pub(crate) why_none: String,
}

impl Connections {
    /// One connection, whatever becomes of it. It connects again by itself.
    pub(crate) fn one(channel: Channel) -> Self {
        let usable = Usable { channels: vec![channel], why_none: String::new() };
        let (_, usable) = watch::channel(usable);
        Self { usable, next: AtomicUsize::new(0), upkeep: None }
    }

    /// Those that the task `upkeep` names. It ends with this.
    pub(crate) fn kept(usable: watch::Receiver<Usable>, upkeep: AbortHandle) -> Self {
        Self { usable, next: AtomicUsize::new(0), upkeep: Some(upkeep) }
    }

    /// The connection for the next call. Waits for one that can be used.
    pub(crate) async fn take_turn(&self, patience: Duration) -> Result<Channel, Status> {
        if let Some(channel) = self.next() {
            return Ok(channel);
        }
        let mut usable = self.usable.clone();
        let some = usable.wait_for(|usable| !usable.channels.is_empty());
        let is_there = timeout(patience, some).await.is_ok_and(|waited| waited.is_ok());
        let found = is_there.then(|| self.next()).flatten();
        found.ok_or_else(|| Status::unavailable(self.usable.borrow().why_none.clone()))
    }

    /// Why none can be used at this moment, if that is so.
    pub(crate) fn fault(&self) -> Option<Status> {
        let usable = self.usable.borrow();
        usable.channels.is_empty().then(|| Status::unavailable(usable.why_none.clone()))
    }

    fn next(&self) -> Option<Channel> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let usable = self.usable.borrow();
        let count = usable.channels.len();
        (count > 0).then(|| usable.channels[turn % count].clone())
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.abort();
        }
    }
}
