//! Makes the tables of a configuration, each with the configuration of what feeds it.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::heap::Account;
use crate::ingest::TableSource;
use crate::memory::{Accounts, Budget};
use crate::record::RankedBy;
use crate::table::{Spec, Table};

/// All tables, each with the capacity that the budget gives it.
pub(super) fn sources(
    config: &Config,
    clock: &Clock,
    budget: &Budget,
    accounts: &Accounts,
) -> Vec<TableSource> {
    let changes_bytes = config.rpc.watch_buffer.get().as_u64() / config.tables.len().max(1) as u64;
    let changes_bytes = usize::try_from(changes_bytes).unwrap_or(usize::MAX);
    let tables = config.tables.iter().zip(budget.capacities()).zip(accounts.tables());
    tables
        .map(|((table, &capacity_bytes), account)| {
            source_of(table, (capacity_bytes, changes_bytes), account, clock)
        })
        .collect()
}

/// One table with a capacity, which nobody can watch.
pub(super) fn source(
    config: &config::Table,
    capacity_bytes: u64,
    account: &Account,
    clock: &Clock,
) -> TableSource {
    source_of(config, (capacity_bytes, 0), account, clock)
}

fn source_of(
    config: &config::Table,
    (capacity_bytes, changes_bytes): (u64, usize),
    account: &Account,
    clock: &Clock,
) -> TableSource {
    let spec = Spec {
        name: config.name.clone(),
        fields: config.fields.keys().map(|name| name.as_str().into()).collect(),
        ttl: config.life.ttl,
        ranked_by: match config.version {
            Some(_) => RankedBy::Version,
            None => RankedBy::Time,
        },
        capacity_bytes,
        store: config.store,
        changes_bytes,
        account: account.clone(),
        clock: clock.clone(),
    };
    TableSource { table: Arc::new(Table::new(spec)), config: config.clone() }
}
