//! The HTTP body of an answer: hands its pieces to the transport, for as long as it may take.
//!
//! When the time to send is over, a timer drops the pieces that are left, even if the transport
//! never asks for another one. So does the pool when memory is short. A caller that has read
//! nothing yet is told why. One that has read a part finds its stream reset.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use http_body::Frame;
use parking_lot::Mutex;
use prost::bytes::Bytes;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};

use super::buffer::FinishedResponse;
use crate::rpc::errors;
use crate::rpc::pool::{AnswerEntry, UnsentAnswer};
use crate::stats::ShedCause;

/// The answer of one call, while it is sent.
pub(in crate::rpc) struct ResponseBody {
    unsent: Arc<Unsent>,
    state: State,
    /// Only an answer that holds bytes of the pool has an end of sending, and is found to be shed.
    _held: Option<(Pin<Box<Unconstrained<Sleep>>>, AnswerEntry)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unbegun,
    Begun,
    Done,
}

/// What the transport has not taken yet, or why it was dropped.
#[derive(Debug)]
struct Unsent(Mutex<Result<FinishedResponse, ShedCause>>);

impl ResponseBody {
    /// An answer that is dropped at the end of sending if it holds bytes of the pool.
    pub(in crate::rpc) fn new(
        response: FinishedResponse,
        send_end: impl FnOnce() -> Instant,
    ) -> Self {
        let holds_bytes = response.permit().held_bytes() > 0;
        let share = response.permit().share().clone();
        let unsent = Arc::new(Unsent(Mutex::new(Ok(response))));
        let held = holds_bytes.then(|| {
            let timer = start_timer(Arc::clone(&unsent), send_end());
            (timer, share.list_answer(&unsent))
        });
        Self { unsent, state: State::Unbegun, _held: held }
    }

    fn next_frame(&mut self) -> Result<Frame<Bytes>, Status> {
        let mut unsent = self.unsent.0.lock();
        let status = match &mut *unsent {
            Ok(response) => {
                if let Some(piece) = response.next_piece() {
                    self.state = State::Begun;
                    return Ok(Frame::data(piece));
                }
                Status::new(Code::Ok, "")
            }
            Err(cause) => errors::shed(*cause),
        };
        let is_cut = unsent.is_err() && self.state == State::Begun;
        self.state = State::Done;
        if is_cut { Err(status) } else { trailers(&status) }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = (self.state != State::Done).then(|| self.next_frame());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Done
    }
}

pub(in crate::rpc) fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::with_capacity(1);
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

/// The timer wakes the answer itself. A task for each answer would cost more than most answers do.
fn start_timer(unsent: Arc<Unsent>, end: Instant) -> Pin<Box<Unconstrained<Sleep>>> {
    // Unconstrained: otherwise tokio's budget for a task could wake it before its time.
    let mut timer = Box::pin(unconstrained(sleep_until(end)));
    let waker = Waker::from(unsent);
    if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
        waker.wake();
    }
    timer
}

impl Wake for Unsent {
    fn wake(self: Arc<Self>) {
        self.drop_rest(ShedCause::AnswerLate);
    }
}

impl UnsentAnswer for Unsent {
    fn held_bytes(&self) -> usize {
        self.0.lock().as_ref().map_or(0, |response| response.permit().held_bytes())
    }

    fn drop_rest(&self, cause: ShedCause) {
        // Dropped after the lock is released.
        let rest = std::mem::replace(&mut *self.0.lock(), Err(cause));
        if let Ok(response) = rest {
            response.permit().share().count_shed(cause);
        }
    }
}

#[cfg(test)]
mod tests;
