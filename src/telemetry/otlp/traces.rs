//! Sends the spans that wait, in batches, until the service stops.
//!
//! A batch that is not taken is sent again twice, and then dropped and counted. Meanwhile the queue
//! fills, and what finds no room there is dropped and counted too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tonic::Status;

use super::counts::{Counts, add};
use super::failures::Failures;
use super::messages::{EXPORT_TRACES, PartialSuccess};
use super::resource::Origin;
use super::sender::{Sender, can_be_cured_by_a_retry, shown};
use super::spans;
use super::stop::until_true;
use crate::trace::{Span, Tracer};

/// The most spans in one message.
const BATCH: usize = 512;
/// How long to wait before a batch is sent again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Sends spans.
pub(super) struct TraceExporter {
    pub(super) sender: Sender,
    pub(super) origin: Arc<Origin>,
    pub(super) tracer: Tracer,
    pub(super) counts: Arc<Counts>,
    pub(super) interval: Duration,
    pub(super) failures: Failures,
    /// The spans without room that were logged.
    pub(super) logged_full: u64,
}

impl TraceExporter {
    /// Sends spans until `stopping` is true, and then those that still wait.
    pub(super) async fn run(mut self, stopping: watch::Receiver<bool>) {
        loop {
            let is_stopping = tokio::select! {
                biased;
                () = until_true(stopping.clone()) => true,
                () = self.tracer.queue().wait_until_half_full() => false,
                () = sleep(self.interval) => false,
            };
            self.send_waiting(&stopping).await;
            self.observe_full_queue();
            if is_stopping {
                return;
            }
        }
    }

    /// Sends what waits. Stops at the first batch that is lost: the next one would be lost too.
    async fn send_waiting(&mut self, stopping: &watch::Receiver<bool>) {
        loop {
            let batch = self.tracer.queue().take(BATCH);
            if batch.is_empty() {
                return;
            }
            let count = batch.len() as u64;
            match self.send(&batch, stopping).await {
                Ok(None) => {
                    add(&self.counts.sent_spans, count);
                    self.failures.log_taken();
                }
                Ok(Some(PartialSuccess { rejected, error_message })) => {
                    let rejected = u64::try_from(rejected).unwrap_or(0).min(count);
                    add(&self.counts.sent_spans, count - rejected);
                    add(&self.counts.rejected_spans, rejected);
                    if rejected > 0 {
                        self.failures.log_lost(&shown(&error_message), rejected);
                    }
                }
                Err(status) => {
                    add(&self.counts.failed_spans, count);
                    self.failures.log_lost(&shown(status.message()), count);
                    return;
                }
            }
        }
    }

    /// Sends a batch, several times if need be. When the service stops there is no time for that.
    async fn send(
        &self,
        batch: &[Span],
        stopping: &watch::Receiver<bool>,
    ) -> Result<Option<PartialSuccess>, Status> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = spans::request(&self.origin, batch);
            let status = match self.sender.send(EXPORT_TRACES, request).await {
                Ok(answer) => return Ok(answer.partial_success),
                Err(status) => status,
            };
            let pause = pauses.next().filter(|_| can_be_cured_by_a_retry(&status));
            let Some(pause) = pause.filter(|_| !*stopping.borrow()) else { return Err(status) };
            tokio::select! {
                () = sleep(pause) => {}
                () = until_true(stopping.clone()) => {}
            }
        }
    }

    fn observe_full_queue(&mut self) {
        let dropped = self.tracer.queue().dropped();
        if dropped > self.logged_full {
            let why = "the queue of spans was full: raise otlp.queue or lower otlp.sample_ratio";
            self.failures.log_lost(why, dropped - self.logged_full);
            self.logged_full = dropped;
        }
    }
}
