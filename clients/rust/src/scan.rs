//! The entries of a table, whatever becomes of the connection meanwhile.

use tonic::{Status, Streaming};

use crate::Client;
use crate::retry::{Attempts, is_worth_another_attempt};
use crate::v1::{ScanRequest, ScanResponse};

/// A scan that goes on by another call where one breaks off.
#[derive(Debug)]
pub struct Scan {
    client: Client,
    /// The rest of what was asked for.
    request: ScanRequest,
    stream: Option<Streaming<ScanResponse>>,
    attempts: Attempts,
    is_over: bool,
}

impl Client {
    /// Begins to read the entries that a request asks for.
    pub fn scan(&self, request: ScanRequest) -> Scan {
        let (client, attempts) = (self.clone(), Attempts::default());
        Scan { client, request, stream: None, attempts, is_over: false }
    }
}

impl Scan {
    /// The next entries; none after the last ones.
    ///
    /// # Errors
    /// If the request is wrong, the table is not as fresh as the request demands, or several attempts
    /// failed. After a restart of the service the scan cannot go on (`INVALID_ARGUMENT`): begin anew.
    pub async fn next(&mut self) -> Result<Option<ScanResponse>, Status> {
        while !self.is_over {
            match self.receive().await {
                Ok(Some(response)) => {
                    self.attempts.reset();
                    self.note(&response);
                    return Ok(Some(response));
                }
                // The service ends the stream after the last response only.
                Ok(None) => self.is_over = true,
                Err(status) if is_worth_another_attempt(&status) => {
                    self.stream = None;
                    self.attempts.pause(status).await?;
                }
                Err(status) => return Err(status),
            }
        }
        Ok(None)
    }

    async fn receive(&mut self) -> Result<Option<ScanResponse>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            stream => {
                let opened = self.client.lookup().scan(self.request.clone()).await?;
                stream.insert(opened.into_inner())
            }
        };
        self.client.in_time(stream.message()).await
    }

    fn note(&mut self, response: &ScanResponse) {
        let request = &mut self.request;
        request.page_token.clone_from(&response.next_page_token);
        if request.limit > 0 {
            let entries = i64::try_from(response.entries.len()).unwrap_or(i64::MAX);
            request.limit = request.limit.saturating_sub(entries);
            self.is_over = request.limit <= 0;
        }
        self.is_over |= response.next_page_token.is_empty();
    }
}
