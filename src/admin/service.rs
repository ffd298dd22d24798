//! What the server shows: handles of the parts, which `app` gives.

use std::sync::Arc;

use super::messages::JsonMessages;
use super::scrapes::Scrapes;
use crate::config;
use crate::health::Health;
use crate::heap::Account;
use crate::history::History;
use crate::rpc::Gateway;
use crate::telemetry::LogFilter;

/// What the server shows.
#[derive(Clone)]
pub struct Service {
    /// The states.
    pub health: Arc<Health>,
    /// The snapshots.
    pub scrapes: Scrapes,
    /// The past of the figures, if it is kept.
    pub history: Option<Arc<History>>,
    /// The methods that show keys and values.
    pub gateway: Gateway,
    /// The messages of the protocol, for JSON.
    pub messages: JsonMessages,
    /// The section of the configuration.
    pub config: config::Admin,
    /// The effective configuration.
    pub effective_config: Arc<str>,
    /// What the memory of profiles is charged to.
    pub account: Account,
    /// The filter of the log, if the process's log is millpond's own.
    pub log_filter: Option<LogFilter>,
}
