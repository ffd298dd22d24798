//! Sends large responses within a byte budget that all calls share.
//!
//! A slow caller holds its response in memory until it has read the last byte. So a
//! response of more than 4 KiB needs a permit for its size:
//!
//! ```text
//! look_up -> ResponseBuffer -> ResponsePieces -> ResponseBody -> transport
//!              | grows its        | each piece takes its part of the permit along
//!              v permit           v and gives it back when the transport drops it
//!            ResponseBudget <-----+
//! ```
//!
//! A call that gets no permit drops what it wrote, waits in line, and looks up again. The wait
//! and the sending both end in time. This module does not know what a call looks up.

mod body;
mod budget;
mod buffer;

use std::sync::Arc;
use std::time::Duration;

use tonic::{Response, Status};

use super::deadline::Deadline;
pub(super) use body::BufferedResponses;
use body::UnsentResponse;
pub(super) use budget::ResponseBudget;
pub(super) use buffer::ResponseBuffer;
use buffer::{PermitTooSmall, ResponsePieces};
#[cfg(test)]
pub(super) use tests::{buffered, encoded};

/// The longest wait for a permit, even if the call has no deadline. Stated in the protocol.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How long a caller may take to read a response that holds a permit. Stated in the protocol.
const MAX_SEND_TIME: Duration = Duration::from_secs(60);

/// Whether a call looks up for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The call looks up for the first time. Only this attempt counts hits and misses.
    First,
    /// The call looks up again because it had to wait for a permit.
    Retry,
}

impl ResponseBudget {
    /// Responds with what `look_up` writes, as soon as there is a permit for its size.
    ///
    /// `look_up` runs again after each wait, because the table may have changed. If it then
    /// writes more than the call waited for, the call waits again.
    ///
    /// The message of the returned response is empty: the bytes are in the extensions, and
    /// [`BufferedResponses`] makes them the body. Only services wrapped in it may use this.
    pub(super) async fn respond<M: Default>(
        &self,
        deadline: Deadline,
        look_up: impl Fn(Attempt, &mut ResponseBuffer) -> Result<(), Status>,
    ) -> Result<Response<M>, Status> {
        let (mut attempt, mut permit) = (Attempt::First, self.empty_permit());
        // Most calls never wait, so the clock is read at the first wait only.
        let mut wait_end = None;
        loop {
            let mut buffer = ResponseBuffer::new(permit);
            look_up(attempt, &mut buffer)?;
            let needed_bytes = match buffer.finish() {
                Ok(pieces) => return Ok(response_of(pieces, deadline)),
                Err(PermitTooSmall { needed_bytes }) => needed_bytes,
            };
            let wait_end = *wait_end.get_or_insert_with(|| deadline.wait_end(MAX_WAIT));
            permit = self.acquire(needed_bytes, wait_end).await?;
            attempt = Attempt::Retry;
        }
    }
}

fn response_of<M: Default>(pieces: ResponsePieces, deadline: Deadline) -> Response<M> {
    let send_end = pieces.hold_permit().then(|| deadline.send_end(MAX_SEND_TIME));
    let mut response = Response::new(M::default());
    response.extensions_mut().insert(Arc::new(UnsentResponse::new(pieces, send_end)));
    response
}

#[cfg(test)]
mod tests;
