//! What the admin port shows: the handles of the parts, put together.

use std::io;
use std::sync::Arc;

use crate::admin::{self, JsonMessages, Scrapes};
use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use crate::history::History;
use crate::rpc::Gateway;

/// The history and the profiles are charged to `account`.
pub(super) fn shown(
    config: &Config,
    account: &Account,
    health: &Arc<Health>,
    scrapes: Scrapes,
    gateway: Gateway,
) -> io::Result<admin::Service> {
    let tables = config.tables.iter().map(|table| table.name.clone());
    let history = config.admin.history.then(|| account.charge(|| History::new(tables)));
    Ok(admin::Service {
        health: Arc::clone(health),
        scrapes,
        history: history.map(Arc::new),
        gateway,
        messages: JsonMessages::new().map_err(io::Error::other)?,
        config: config.admin.clone(),
        effective_config: config.effective().into(),
        account: account.clone(),
        log_filter: None,
    })
}
