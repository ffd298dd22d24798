//! Waits until the service stops.

use tokio::sync::watch;

/// Waits until the value is true.
pub(super) async fn until_true(mut value: watch::Receiver<bool>) {
    // An error means that the sender was dropped, and with it the service.
    let _ = value.wait_for(|value| *value).await;
}
