//! Whether an instance wants calls, by the standard health protocol.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::channel::AuthorizedChannel;
use crate::health::HealthCheckRequest;
use crate::health::health_check_response::ServingStatus;
use crate::health::health_client::HealthClient;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// An instance that does not say how it is, is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Why an instance cannot be used; none if it can.
pub(super) type Fault = Option<String>;

/// Sends what becomes of an instance, with `name` beside it, until nobody listens.
pub(super) async fn watch_health<T: Copy>(
    channel: AuthorizedChannel,
    name: T,
    changes: Sender<(T, Fault)>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let status = match watch_once(channel.clone(), name, &changes).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                Status::unavailable("it closed the connection")
            }
            Err(status) => status,
        };
        // Then a call tells its caller more than this can.
        let answers = [Code::Unimplemented, Code::Unauthenticated, Code::PermissionDenied];
        let is_silent = answers.contains(&status.code());
        let fault = (!is_silent).then(|| status.message().to_owned());
        if changes.send((name, fault)).await.is_err() {
            return;
        }
        sleep(if is_silent { ASK_AGAIN } else { pause }).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows one stream to its end. An error if it said nothing.
async fn watch_once<T: Copy>(
    channel: AuthorizedChannel,
    name: T,
    changes: &Sender<(T, Fault)>,
) -> Result<(), Status> {
    let mut client = HealthClient::new(channel);
    let mut stream = client.watch(HealthCheckRequest::default()).await?.into_inner();
    let mut has_spoken = false;
    loop {
        match stream.message().await {
            Ok(Some(response)) => {
                let is_serving = response.status() == ServingStatus::Serving;
                let fault = (!is_serving).then(|| "it is not ready".to_owned());
                has_spoken = true;
                if changes.send((name, fault)).await.is_err() {
                    return Ok(());
                }
            }
            Err(status) if !has_spoken => return Err(status),
            Ok(None) | Err(_) => return Ok(()),
        }
    }
}
