//! The requests of a stream of lookups, read as they come.
//!
//! The transport holds little that nobody reads, and ends a connection with many small frames that
//! are not read. So a task reads them, whether their answers are taken or not. A caller that leaves
//! too many unanswered loses its stream, and not its connection. What a lookup is, is not known here.

use std::collections::VecDeque;
use std::sync::Arc;

use http_body::Body;
use parking_lot::Mutex;
use prost::Message;
use prost::bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tonic::{Code, Status};

use super::errors;
use super::lookup_request::GetRequest;
use super::pool::Permit;
use super::request::RequestReader;

/// Requests that may wait for their answers. Stated in the protocol.
pub(super) const MAX_UNANSWERED: usize = 1_000;
/// What a request takes beside its texts and positions.
const REQUEST_BYTES: usize = size_of::<TaggedRequest>();

/// One request. `StreamGetRequest`, with the server's own `GetRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TaggedRequest {
    #[prost(int64, tag = "1")]
    pub(super) tag: i64,
    #[prost(message, optional, tag = "2")]
    pub(super) get: Option<GetRequest>,
}

/// The requests that have come and were not taken. Reading ends when this is dropped.
#[derive(Debug)]
pub(super) struct Intake {
    queue: Arc<Queue>,
    reading: AbortHandle,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<TaggedRequest>,
    /// What they take.
    bytes: usize,
    /// Set once no more requests come.
    end: Option<Result<(), Status>>,
}

impl Intake {
    /// Reads the requests that come by this reader. The permit is for those that wait.
    pub(super) fn start<B>(reader: RequestReader<B>, held: Permit) -> Self
    where
        B: Body<Data = Bytes> + Unpin + Send + 'static,
    {
        let queue = Arc::<Queue>::default();
        let reading = tokio::spawn(read(reader, held, Arc::clone(&queue))).abort_handle();
        Self { queue, reading }
    }

    /// Waits for the next request. None if no more come. It may be dropped before it is done, and
    /// loses nothing.
    ///
    /// # Errors
    ///
    /// When the caller broke a rule, or leaves too much unanswered.
    pub(super) async fn next(&self) -> Result<Option<TaggedRequest>, Status> {
        loop {
            let changed = self.queue.changed.notified();
            if let Some(request) = self.next_that_has_come()? {
                return Ok(Some(request));
            }
            if self.queue.state.lock().end.is_some() {
                return Ok(None);
            }
            changed.await;
        }
    }

    /// The next request, if it has come.
    ///
    /// # Errors
    ///
    /// As [`Self::next`].
    pub(super) fn next_that_has_come(&self) -> Result<Option<TaggedRequest>, Status> {
        let mut state = self.queue.state.lock();
        let Some(request) = state.requests.pop_front() else {
            return match &state.end {
                Some(Err(status)) => Err(status.clone()),
                _ => Ok(None),
            };
        };
        state.bytes -= bytes_of(&request);
        Ok(Some(request))
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read<B>(mut reader: RequestReader<B>, mut held: Permit, queue: Arc<Queue>)
where
    B: Body<Data = Bytes> + Unpin,
{
    let end = loop {
        match reader.next().await {
            Ok(Some(message)) => {
                if let Err(status) = queue.push(message, &mut held) {
                    break Err(status);
                }
            }
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    queue.state.lock().end = Some(end);
    queue.changed.notify_one();
    // Until the stream has ended, its requests are still taken from the transport.
    while let Ok(Some(_)) = reader.next().await {}
}

impl Queue {
    fn push(&self, message: Bytes, held: &mut Permit) -> Result<(), Status> {
        let request = TaggedRequest::decode(message)
            .map_err(|error| errors::malformed(Code::Internal, &error.to_string()))?;
        let mut state = self.state.lock();
        let bytes = state.bytes + bytes_of(&request);
        if state.requests.is_empty() {
            held.shrink_to(bytes);
        }
        let room = if state.requests.len() < MAX_UNANSWERED {
            held.grow_to(bytes).map_err(|cause| held.share().shed_call(cause))
        } else {
            Err(errors::too_many_unanswered(MAX_UNANSWERED))
        };
        if let Err(status) = room {
            // Nobody waits for these: the stream ends at once.
            (state.requests, state.bytes) = (VecDeque::new(), 0);
            held.shrink_to(0);
            return Err(status);
        }
        state.requests.push_back(request);
        state.bytes = bytes;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }
}

fn bytes_of(request: &TaggedRequest) -> usize {
    REQUEST_BYTES + request.get.as_ref().map_or(0, GetRequest::held_bytes)
}
