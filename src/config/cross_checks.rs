//! Checks between sections: each section is valid alone, but not all of them together.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::admin::Admin;
use super::kafka::Kafka;
use super::memory::{Memory, MemoryLimit};
use super::report::Report;
use super::rpc::Rpc;
use super::size::{ByteSize, Capacity, Share};
use super::table::Table;

/// Table names are unique, and the capacities fit together and into the memory limit.
pub(super) fn check_tables(tables: &[Table], memory: Option<&Memory>, report: &mut Report) {
    check_names(tables, report);
    check_shares(tables, report);
    check_bytes(tables, memory, report);
}

/// All servers can listen at the same time.
pub(super) fn check_ports(rpc: &Rpc, admin: &Admin, report: &mut Report) {
    let (rpc, admin, probe) =
        (("rpc.listen", rpc.listen), ("admin.listen", admin.listen), admin.probe_listen);
    let probe = probe.map(|address| ("admin.probe_listen", address));
    let pairs =
        [Some((rpc, admin)), probe.map(|probe| (rpc, probe)), probe.map(|probe| (admin, probe))];
    for ((taken_by, one), (key, other)) in pairs.into_iter().flatten() {
        if is_same_port(one, other) {
            let wrong = format!("found \"{other}\": {taken_by} takes this port");
            report.fault(key, wrong, "give each server a port of its own");
        }
    }
}

fn is_same_port(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip())
}

/// No table reads a dead-letter topic: a rejected record would be rejected again for ever.
pub(super) fn check_dead_letters(kafka: &Kafka, tables: &[Table], report: &mut Report) {
    let of_tables = tables.iter().enumerate().filter_map(|(index, table)| {
        Some((format!("tables[{index}].dead_letter"), table.dead_letter.as_ref()?))
    });
    let common = kafka.dead_letter.as_ref().map(|topic| ("kafka.dead_letter".to_owned(), topic));
    for (key, topic) in common.into_iter().chain(of_tables) {
        if tables.iter().any(|table| table.topic == *topic) {
            let wrong = format!("found \"{topic}\": a table is fed by this topic");
            report.fault(&key, wrong, "name another topic for rejected records");
        }
    }
}

fn check_names(tables: &[Table], report: &mut Report) {
    let mut names = BTreeSet::new();
    for (index, table) in tables.iter().enumerate() {
        if !names.insert(&table.name) {
            let wrong = format!("found \"{}\": an earlier table has this name", table.name);
            report.fault(&format!("tables[{index}].name"), wrong, "give each its own");
        }
    }
}

fn check_shares(tables: &[Table], report: &mut Report) {
    let shares = tables.iter().filter_map(|table| match table.capacity {
        Capacity::Share(share) => Some(share),
        Capacity::Bytes(_) => None,
    });
    let hundredths = Share::sum(shares);
    if hundredths > 100 * 100 {
        let percent = hundredths.div_ceil(100);
        let wrong = format!("the shares of all tables add up to {percent} %");
        report.fault("tables", wrong, "lower the tables' capacity until they are 100 % at most");
    }
}

fn check_bytes(tables: &[Table], memory: Option<&Memory>, report: &mut Report) {
    let Some(Memory { limit: MemoryLimit::Bytes(limit), .. }) = memory else { return };
    let bytes = tables.iter().fold(0_u64, |sum, table| match table.capacity {
        Capacity::Bytes(bytes) => sum.saturating_add(bytes),
        Capacity::Share(_) => sum,
    });
    if bytes > *limit {
        let [all, limit] = [bytes, *limit].map(ByteSize::bytes);
        let wrong = format!("all tables may hold {all}, and memory.limit is {limit}");
        report.fault("tables", wrong, "lower the tables' capacity or raise memory.limit");
    }
}
