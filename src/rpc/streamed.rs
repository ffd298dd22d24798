//! The calls whose answer is a stream of messages, and what ends such a call from outside.
//!
//! ```text
//! MessageSource -> Messages, until the service stops, the deadline is over, or access is withdrawn
//! ```
//!
//! A message is made when the transport has room for it. So a caller that reads slowly gets fewer
//! messages, and nothing waits in a queue. What the messages say is not known here.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::sleep;
use tonic::Status;

use super::call::Call;
use super::errors;
use super::response::{FinishedResponse, Messages};
use crate::access::PeerAccess;

/// How often a call proves again that it may go on, while its source makes no message.
const ACCESS_INTERVAL: Duration = Duration::from_secs(1);

/// Makes the messages of an answer, one after the other.
pub(super) trait MessageSource: Send {
    /// Makes the next message. None after the last one. It may be dropped before it is done, and then
    /// no further message is asked for.
    fn next<'a>(&'a mut self, call: &'a Call) -> NextMessage<'a>;
}

/// A message that is being made.
pub(super) type NextMessage<'a> = BoxFuture<'a, Result<Option<FinishedResponse>, Status>>;

/// What ends the streams of one connection before their callers do.
#[derive(Clone, Copy)]
pub(super) struct StreamEnds<'a> {
    /// Knows whether what a caller proved still counts.
    pub(super) peer: &'a PeerAccess,
    /// Becomes true when the service stops.
    pub(super) draining: &'a watch::Receiver<bool>,
}

/// A call whose answer is a stream.
pub(super) struct StreamedCall {
    call: Call,
    peer: PeerAccess,
    draining: watch::Receiver<bool>,
}

/// The messages of a call, as a source makes them.
pub(super) fn messages(call: StreamedCall, source: Box<dyn MessageSource>) -> Messages {
    Box::pin(stream::try_unfold((call, source), |(mut call, mut source)| async move {
        let message = call.next_of(source.as_mut()).await?;
        Ok(message.map(|message| (message, (call, source))))
    }))
}

impl StreamedCall {
    pub(super) fn new(call: Call, ends: StreamEnds<'_>) -> Self {
        Self { call, peer: ends.peer.clone(), draining: ends.draining.clone() }
    }

    /// The next message of this source.
    async fn next_of(
        &mut self,
        source: &mut dyn MessageSource,
    ) -> Result<Option<FinishedResponse>, Status> {
        let Self { call, peer, draining } = self;
        check_access(peer, call)?;
        let message = tokio::select! {
            biased;
            // An error means that the sender was dropped, and with it the server.
            _ = draining.wait_for(|draining| *draining) => Err(errors::draining()),
            message = source.next(call) => message,
            () = call.deadline().over() => Err(errors::stream_deadline()),
            status = access_withdrawn(peer, call) => Err(status),
        }?;
        if let Some(message) = &message {
            call.caller().take_bytes(message.total_bytes());
        }
        Ok(message)
    }
}

/// Waits until the credential of the call counts no more.
async fn access_withdrawn(peer: &PeerAccess, call: &Call) -> Status {
    loop {
        sleep(ACCESS_INTERVAL).await;
        if let Err(status) = check_access(peer, call) {
            return status;
        }
    }
}

fn check_access(peer: &PeerAccess, call: &Call) -> Result<(), Status> {
    peer.check_again(call.caller()).map_err(errors::denied)
}
