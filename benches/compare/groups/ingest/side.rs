//! The figures of one reader of a topic.

use anyhow::ensure;
use millpond_acceptance::cost::exact;

use super::case::Case;
use super::reader::Reader;
use crate::spread::Spread;
use crate::stage::OwnTopic;

pub(super) struct Side<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) cpu: Spread,
    pub(super) rate: Spread,
    pub(super) peak_mib: Spread,
    /// Seconds.
    pub(super) ready: Spread,
    pub(super) ready_times: Spread,
    /// How many entries it had in the end, each time.
    entries: Vec<u64>,
}

impl<'a> Side<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        let none = Spread::default;
        Self {
            reader,
            cpu: none(),
            rate: none(),
            peak_mib: none(),
            ready: none(),
            ready_times: none(),
            entries: Vec::new(),
        }
    }

    /// Reads the topic once.
    pub(super) fn add(
        &mut self,
        broker: &str,
        topic: &OwnTopic,
        case: &Case,
    ) -> anyhow::Result<()> {
        let outcome = self.reader.read(broker, topic, case)?;
        self.cpu.add(outcome.cost.cpu_a_million(case.records));
        self.rate.add(outcome.cost.records_a_second(case.records));
        self.peak_mib.add(exact(outcome.cost.rss_peak_kib) / 1024.0);
        outcome.ready_after.into_iter().for_each(|after| self.ready.add(after.as_secs_f64()));
        outcome.ready_times.into_iter().for_each(|times| self.ready_times.add(times));
        self.entries.extend(outcome.entries);
        Ok(())
    }
}

/// Fails unless all have plucked the same number of keys: a reader that finds fewer has less to do.
pub(super) fn check_entries(sides: &[Side<'_>]) -> anyhow::Result<()> {
    let mut counts = sides.iter().flat_map(|side| side.entries.iter().map(|n| (&side.reader, n)));
    let Some((first, wanted)) = counts.next() else { return Ok(()) };
    for (reader, entries) in counts {
        ensure!(entries == wanted, "{reader} has {entries} entries, and {first} has {wanted}");
    }
    Ok(())
}
