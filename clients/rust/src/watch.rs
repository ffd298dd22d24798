//! The changes of a table, whatever becomes of the connection and of the service meanwhile.

use std::time::Instant;

use tonic::{Code, Request, Status, Streaming};

use crate::Client;
use crate::retry::{Attempts, is_worth_another_attempt};
use crate::v1::{WatchRequest, WatchResponse};

/// A watch that goes on by another call where one breaks off.
///
/// Each call begins with a `WatchStarted`, which says what the caller missed: nothing if it `resumed`;
/// and if it `sends_current`, all that the caller knew is replaced by what follows.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    /// With the token of the last response.
    request: WatchRequest,
    stream: Option<Streaming<WatchResponse>>,
    /// When the call of this stream began.
    asked: Instant,
    attempts: Attempts,
}

impl Client {
    /// Begins to read the changes that a request asks for.
    pub fn watch(&self, request: WatchRequest) -> Watch {
        let (client, attempts) = (self.clone(), Attempts::default());
        Watch { client, request, stream: None, asked: Instant::now(), attempts }
    }
}

impl Watch {
    /// The next events.
    ///
    /// # Errors
    /// If the request is wrong, the table is not as fresh as the request demands, or several attempts
    /// failed. The next call tries again.
    pub async fn next(&mut self) -> Result<WatchResponse, Status> {
        loop {
            match self.receive().await {
                Ok(response) => {
                    self.attempts.reset();
                    return Ok(response);
                }
                Err(status) if goes_on_after(&status) => self.attempts.pause(status).await?,
                Err(status) => return Err(status),
            }
        }
    }

    /// The next events, by one attempt: of the call that is open, or of a new one that goes on after it.
    pub(crate) async fn receive(&mut self) -> Result<WatchResponse, Status> {
        let received = match self.message().await {
            Ok(response) => {
                response.ok_or_else(|| Status::unavailable("the service ended the stream"))
            }
            Err(status) => Err(status),
        };
        match &received {
            Ok(response) if response.resume_token.is_empty() => {}
            Ok(response) => self.request.resume_token.clone_from(&response.resume_token),
            Err(status) => {
                self.stream = None;
                if is_overwritten(status) {
                    self.request.resume_token.clear();
                }
            }
        }
        received
    }

    /// Makes the next call by this client.
    pub(crate) fn set_client(&mut self, client: Client) {
        self.client = client;
        self.stream = None;
    }

    /// When the request of the call that answers now was sent. `WatchProgress.since_start` counts from
    /// its arrival.
    pub fn asked_at(&self) -> Instant {
        self.asked
    }

    async fn message(&mut self) -> Result<Option<WatchResponse>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            stream => {
                self.asked = Instant::now();
                // Without a deadline: it goes on until somebody has seen enough.
                let opened = self.client.lookup().watch(Request::new(self.request.clone())).await?;
                stream.insert(opened.into_inner())
            }
        };
        stream.message().await
    }
}

/// Whether another call may go on, or begin anew.
fn goes_on_after(status: &Status) -> bool {
    is_overwritten(status) || is_worth_another_attempt(status)
}

/// The changes after the token are overwritten. The next call says that it goes on without them.
fn is_overwritten(status: &Status) -> bool {
    matches!(status.code(), Code::Aborted | Code::OutOfRange)
}
