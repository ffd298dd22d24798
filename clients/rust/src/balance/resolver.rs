//! The addresses of a name, found again and again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

use crate::endpoint::Address;

/// A name is resolved again after this.
const RESOLVE_AFTER: Duration = Duration::from_secs(30);
/// The same after something failed: an instance, or resolving itself.
const RESOLVE_SOON: Duration = Duration::from_secs(1);

/// The addresses, or why there are none.
pub(super) type Resolved = Result<BTreeSet<SocketAddr>, String>;

/// Sends the addresses of a name until nobody listens, and sooner than usual when `soon` says so.
pub(super) async fn resolve(address: Address, soon: Arc<Notify>, found: Sender<Resolved>) {
    loop {
        let resolved = address.resolve().await;
        let rest = if resolved.is_ok() { RESOLVE_AFTER } else { Duration::ZERO };
        if found.send(resolved).await.is_err() {
            return;
        }
        sleep(RESOLVE_SOON).await;
        // Either way it is time then.
        let _ = timeout(rest, soon.notified()).await;
    }
}
