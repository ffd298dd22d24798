//! One call as its method sees it: who makes it, how long it may take, and the room for its answer.
//!
//! This file does not know what a call looks up.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use super::costs::{About, CallCost, ConnectionCosts, Spent};
use super::deadline::Deadline;
use super::pool::{ConnectionShare, Permit, Purpose};
use super::response::{FinishedResponse, Refused, ResponseBuffer};
use crate::access::Caller;
use crate::stats::ShedCause;
use crate::trace::OpenSpan;

/// The longest wait for room, even if the call has no deadline. Stated in the protocol.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A call in progress.
#[derive(Debug)]
pub(super) struct Call {
    deadline: Deadline,
    share: ConnectionShare,
    caller: Caller,
    costs: ConnectionCosts,
    /// What it is about, once that is read.
    about: OnceLock<About>,
    /// None if it is not traced.
    span: Option<Arc<OpenSpan>>,
}

/// Whether a call looks up for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The call looks up for the first time. Only this attempt counts hits and misses.
    First,
    /// The call looks up again because it had to wait for room.
    Retry,
}

impl Call {
    pub(super) fn new(
        deadline: Deadline,
        share: ConnectionShare,
        caller: Caller,
        costs: ConnectionCosts,
    ) -> Self {
        Self { deadline, share, caller, costs, about: OnceLock::new(), span: None }
    }

    /// The same call, with its span if it is traced.
    pub(super) fn traced(self, span: Option<Arc<OpenSpan>>) -> Self {
        Self { span, ..self }
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(super) fn share(&self) -> &ConnectionShare {
        &self.share
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Notes what the call is about, for its costs and its trace.
    pub(super) fn note_about(&self, table: Option<&str>, keys: usize) {
        let table = table.and_then(|table| self.costs.table(table));
        if let (Some(span), Some(table)) = (&self.span, table) {
            span.note_table(table);
        }
        let _ = self.about.set(About { table, keys: keys as u64 });
    }

    /// Counts keys of a table that the call looked up on its stream. The call itself is counted apart.
    pub(super) fn add_keys(&self, table: &str, keys: usize, cost: CallCost) {
        let about = About { table: self.costs.table(table), keys: keys as u64 };
        self.costs.add(self.caller.identity(), about, CallCost { calls: 0, ..cost });
    }

    /// Counts what the call cost, once it is answered.
    pub(super) fn add_cost(&self, spent: Spent, answer_bytes: Result<usize, &Status>) {
        let Spent { busy, elapsed } = spent;
        let (answer_bytes, is_shed) = match answer_bytes {
            Ok(bytes) => (bytes as u64, false),
            Err(status) => (0, status.code() == Code::ResourceExhausted),
        };
        let about = self.about.get().copied().unwrap_or_default();
        let cost = CallCost { calls: 1, answer_bytes, busy, elapsed, is_shed };
        self.costs.add(self.caller.identity(), about, cost);
    }

    pub(super) fn into_caller(self) -> Caller {
        self.caller
    }

    /// Responds with what `look_up` writes, as soon as the pool has room for it.
    ///
    /// `look_up` runs again after each wait, because the table may have changed. If it then
    /// writes more than the call waited for, the call waits again.
    pub(super) async fn respond(
        &self,
        look_up: impl FnMut(Attempt, &mut ResponseBuffer) -> Result<(), Status>,
    ) -> Result<FinishedResponse, Status> {
        self.respond_in(ResponseBuffer::new, look_up).await
    }

    /// The same with several messages of a stream, each with its head.
    pub(super) async fn respond_with_messages(
        &self,
        look_up: impl FnMut(Attempt, &mut ResponseBuffer) -> Result<(), Status>,
    ) -> Result<FinishedResponse, Status> {
        self.respond_in(ResponseBuffer::of_messages, look_up).await
    }

    async fn respond_in(
        &self,
        new_buffer: fn(Permit) -> ResponseBuffer,
        mut look_up: impl FnMut(Attempt, &mut ResponseBuffer) -> Result<(), Status>,
    ) -> Result<FinishedResponse, Status> {
        let mut attempt = Attempt::First;
        let mut permit = self.share.new_permit(Purpose::Answer);
        // Most calls never wait, so the clock is read at the first wait only.
        let mut wait_end = None;
        loop {
            let mut buffer = new_buffer(permit);
            look_up(attempt, &mut buffer)?;
            let Refused { cause, needed_bytes } = match buffer.finish() {
                Ok(response) => return Ok(response),
                Err(refused) => refused,
            };
            if cause == ShedCause::MemoryShort {
                return Err(self.share.shed_call(cause));
            }
            let wait_end = *wait_end.get_or_insert_with(|| self.deadline.wait_end(MAX_WAIT));
            permit = self.share.new_permit(Purpose::Answer);
            let waited = permit.wait_for(needed_bytes, wait_end).await;
            waited.map_err(|cause| self.share.shed_call(cause))?;
            attempt = Attempt::Retry;
        }
    }

    /// Responds with this message, if there is room for it. A call that waited would hold the
    /// message meanwhile, which takes nothing of the pool.
    pub(super) fn respond_at_once(
        &self,
        message: &impl Message,
    ) -> Result<FinishedResponse, Status> {
        let mut buffer = ResponseBuffer::new(self.share.new_permit(Purpose::Answer));
        buffer.put_message(message);
        self.finish(buffer)
    }

    /// The same with statistics, which are encoded already. They are served while memory is short.
    pub(super) fn respond_with_statistics(
        &self,
        write: impl FnOnce(&mut ResponseBuffer),
    ) -> Result<FinishedResponse, Status> {
        let mut buffer = ResponseBuffer::new(self.share.new_permit(Purpose::Statistics));
        write(&mut buffer);
        self.finish(buffer)
    }

    fn finish(&self, buffer: ResponseBuffer) -> Result<FinishedResponse, Status> {
        buffer.finish().map_err(|refused| self.share.shed_call(refused.cause))
    }
}

#[cfg(test)]
mod tests;
