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
            let status = match self.receive().await {
                Ok(Some(response)) => {
                    self.attempts.reset();
                    if !response.resume_token.is_empty() {
                        self.request.resume_token.clone_from(&response.resume_token);
                    }
                    return Ok(response);
                }
                Ok(None) => Status::unavailable("the service ended the stream"),
                Err(status) => status,
            };
            self.stream = None;
            match status.code() {
                // The changes are overwritten. The next call says that it goes on without them.
                Code::Aborted | Code::OutOfRange => self.request.resume_token.clear(),
                _ if is_worth_another_attempt(&status) => {}
                _ => return Err(status),
            }
            self.attempts.pause(status).await?;
        }
    }

    /// When the request of the call that answers now was sent. `WatchProgress.since_start` counts from
    /// its arrival.
    pub fn asked_at(&self) -> Instant {
        self.asked
    }

    async fn receive(&mut self) -> Result<Option<WatchResponse>, Status> {
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
