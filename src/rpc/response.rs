//! Answers in pieces, each of which gives its bytes back to the pool once it was sent.
//!
//! ```text
//! Call::respond -> ResponseBuffer -> FinishedResponse -> ResponseBody, StreamBody -> transport
//!                    | grows its        | each piece takes its part of the permit along
//!                    v permit           v and gives it back when the transport drops it
//!                   pool <--------------+
//! ```
//!
//! A slow caller holds its answer in memory until it has read the last byte, so the sending ends in
//! time. This module does not know what a call looks up.

mod body;
mod buffer;
mod in_transport;
mod sending;
mod stream;

pub(super) use body::{ResponseBody, end_of_dropped, trailers};
pub(super) use buffer::{FinishedResponse, Refused, ResponseBuffer};
pub(super) use sending::Sending;
pub(super) use stream::{Messages, StreamBody};
#[cfg(test)]
pub(super) use tests::{buffered, encoded, fill};

#[cfg(test)]
mod tests;
