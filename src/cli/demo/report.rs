//! The text that the demo prints: commands to paste, a line each second, and a summary.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::super::output::{bytes, count};
use super::kafka::Produced;
use crate::stats::{Outcome, Snapshot};

pub(super) struct Report<W> {
    out: W,
    before: (u64, Duration),
}

impl<W: Write> Report<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, before: (0, Duration::ZERO) }
    }

    pub(super) fn opening(
        &mut self,
        rpc: SocketAddr,
        admin: SocketAddr,
        rate: u32,
    ) -> io::Result<()> {
        let rate = count(u64::from(rate));
        writeln!(
            self.out,
            "millpond demo: {rate} made-up events a second, from a Kafka beside this process\n"
        )?;
        writeln!(self.out, "Ask it from another terminal:\n")?;
        writeln!(self.out, "  millpond get services svc-00042 --endpoint http://{rpc}")?;
        writeln!(self.out, "  millpond stats --endpoint http://{rpc}")?;
        writeln!(self.out, "  millpond top --endpoint http://{rpc}")?;
        writeln!(self.out, "  grpcurl -plaintext {rpc} list")?;
        writeln!(
            self.out,
            "  grpcurl -plaintext -d '{{\"table\": \"services\", \"key\": \"svc-00042\"}}' \
             {rpc} millpond.v1.LookupService/Get"
        )?;
        writeln!(self.out, "  curl http://{admin}/readyz\n")
    }

    /// The heads of the columns of [`Self::line`].
    pub(super) fn heads(&mut self) -> io::Result<()> {
        writeln!(
            self.out,
            "{:>6} {:>12} {:>10} {:>12} {:>12} {:>14}",
            "", "records/s", "entries", "table", "resident", "payload seen"
        )
    }

    /// What a demo that leaks shows.
    pub(super) fn leak(&mut self) -> io::Result<()> {
        writeln!(
            self.out,
            "--leak: a handler in this process reads the same events, and keeps id and description \
             as slices\nof the messages. Each slice keeps all that was fetched with its message. \
             millpond stats and\nmillpond reclaim name the memory that grows, and it is not \
             the table's.\n"
        )
    }

    pub(super) fn line(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let polled = polled(snapshot);
        let (polled_before, uptime_before) = self.before;
        let millis = (snapshot.uptime.saturating_sub(uptime_before)).as_millis().max(1);
        let rate = u128::from(polled - polled_before) * 1_000 / millis;
        self.before = (polled, snapshot.uptime);
        let table = snapshot.tables.first();
        writeln!(
            self.out,
            "{:>6} {:>12} {:>10} {:>12} {:>12} {:>14}",
            format!("{} s", snapshot.uptime.as_secs()),
            count(u64::try_from(rate).unwrap_or(u64::MAX)),
            count(table.map_or(0, |table| table.entry_count)),
            bytes(table.map_or(0, |table| table.weight_bytes)),
            bytes(snapshot.memory.census.rss_bytes),
            bytes(payload_bytes(snapshot)),
        )
    }

    pub(super) fn summary(&mut self, produced: &Produced, snapshot: &Snapshot) -> io::Result<()> {
        let polled = polled(snapshot);
        let Produced { records, tombstones, broken, payload_bytes: sent } = *produced;
        writeln!(self.out, "\nproduced  {} records, {}", count(records), bytes(sent))?;
        writeln!(
            self.out,
            "          {} tombstones and {} broken documents among them",
            count(tombstones),
            count(broken)
        )?;
        let missing = records.saturating_sub(polled);
        writeln!(self.out, "read      {}, {} missing", count(polled), count(missing))?;
        writeln!(self.out, "          {}", outcomes(snapshot))?;
        for table in &snapshot.tables {
            writeln!(
                self.out,
                "kept      {} entries, {} of {} seen; resident {}",
                count(table.entry_count),
                bytes(table.weight_bytes),
                bytes(payload_bytes(snapshot)),
                bytes(snapshot.memory.census.rss_bytes),
            )?;
        }
        Ok(())
    }
}

/// The number of records read, over all partitions.
pub(super) fn polled(snapshot: &Snapshot) -> u64 {
    snapshot.partitions.iter().map(|partition| partition.polled_count).sum()
}

fn payload_bytes(snapshot: &Snapshot) -> u64 {
    snapshot.partitions.iter().map(|partition| partition.payload_bytes).sum()
}

fn outcomes(snapshot: &Snapshot) -> String {
    let of = |holds: fn(&Outcome) -> bool| {
        let all = snapshot.partitions.iter().flat_map(|partition| &partition.outcomes);
        count(all.filter(|(outcome, _)| holds(outcome)).map(|(_, count)| *count).sum::<u64>())
    };
    format!(
        "{} stored, {} replaced, {} deleted, {} expired on arrival, {} rejected",
        of(|outcome| matches!(outcome, Outcome::Stored)),
        of(|outcome| matches!(outcome, Outcome::Replaced)),
        of(|outcome| matches!(outcome, Outcome::Deleted | Outcome::DeletedNothing)),
        of(|outcome| matches!(outcome, Outcome::ExpiredOnArrival)),
        of(|outcome| matches!(outcome, Outcome::Rejected(_))),
    )
}
