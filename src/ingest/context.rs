//! What librdkafka tells a client beside records: its log, errors with their reasons, statistics.
//!
//! Each text is redacted here, before anybody else sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;

use super::connection_fault::ConnectionFault;
use super::credentials::Credentials;
use super::outage::Outage;
use super::redaction::Redaction;
use crate::config::Config;

/// librdkafka's facility for connections that failed or were lost.
const FAIL: &str = "FAIL";

/// Keeps the newest statistics of librdkafka until the thread takes them, and notes why connections
/// fail.
pub(super) struct Context {
    outage: Arc<Outage>,
    redaction: Redaction,
    has_statistics: AtomicBool,
    statistics: Mutex<Option<Statistics>>,
    reason: Mutex<Option<String>>,
}

impl Context {
    pub(super) fn new(config: &Config, credentials: &Credentials, outage: &Arc<Outage>) -> Self {
        Self {
            outage: Arc::clone(outage),
            redaction: Redaction::of(config, credentials),
            has_statistics: AtomicBool::new(false),
            statistics: Mutex::default(),
            reason: Mutex::default(),
        }
    }

    pub(super) fn outage(&self) -> &Arc<Outage> {
        &self.outage
    }

    pub(super) fn take_statistics(&self) -> Option<Statistics> {
        // Asked after every record: it has to cost no more than a load.
        if !self.has_statistics.load(Ordering::Relaxed) {
            return None;
        }
        self.has_statistics.store(false, Ordering::Relaxed);
        self.statistics.lock().take()
    }

    /// librdkafka's explanation of the error that the last poll returned.
    pub(super) fn take_reason(&self) -> Option<String> {
        self.reason.lock().take()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        observe_log(&self.outage, &self.redaction, level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        *self.statistics.lock() = Some(statistics);
        self.has_statistics.store(true, Ordering::Relaxed);
    }

    /// The poll returns the same error, and the thread handles it there. Only this call has
    /// librdkafka's explanation.
    fn error(&self, error: KafkaError, reason: &str) {
        let reason = self.redaction.hide(reason);
        tracing::debug!(target: "librdkafka", %error, reason);
        *self.reason.lock() = Some(reason);
    }
}

impl ConsumerContext for Context {}

/// Notes a line of librdkafka's log. It repeats itself at every attempt to connect, so it is only
/// for debugging as it is.
pub(super) fn observe_log(
    outage: &Outage,
    redaction: &Redaction,
    level: RDKafkaLogLevel,
    facility: &str,
    message: &str,
) {
    let message = redaction.hide(message);
    tracing::debug!(target: "librdkafka", ?level, facility, message);
    if facility == FAIL
        && let Some(fault) = ConnectionFault::parse(&message)
    {
        outage.observe_fault(&fault);
    }
}
