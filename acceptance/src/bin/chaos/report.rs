//! The results of a seed: a line for people, and a line for each failure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::broker::Troubles;
use crate::client::Fate;
use crate::verdict::Verdict;
use crate::writer::Written;

pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) scene: String,
    /// The number of partitions at the start and at the end.
    pub(crate) partitions: (i32, i32),
    pub(crate) troubles: Troubles,
    pub(crate) kills: u64,
    pub(crate) written: Written,
    pub(crate) records_read: i64,
    pub(crate) of_log: Vec<String>,
    /// The process that was running when the disturbances ended,
    pub(crate) lived: Verdict,
    /// and one that was started afterwards and has read the topic again.
    pub(crate) rebuilt: Verdict,
    /// Another process, which has read the topic in another order.
    pub(crate) second: Verdict,
    /// Keys that the last two answer differently.
    pub(crate) differences: Vec<String>,
    pub(crate) log: PathBuf,
}

impl Report {
    pub(crate) fn line(&self) -> String {
        let Troubles { stopped, killed, grown } = self.troubles;
        let (at_first, partitions) = self.partitions;
        format!(
            "seed {}: {at_first} to {partitions} partitions, {} | broker stopped {stopped}, \
             killed {killed}, partitions added {grown}, millpond killed {} | records {} | {} | \
             {} keys, {}, {} and {} mismatches, {} differences of two readers | {} superseded | \
             caught up in {:.1} s, from a restart {:.1} s",
            self.seed,
            self.scene,
            self.kills,
            self.kinds(),
            self.fates(),
            self.written.keys.len(),
            self.lived.mismatches,
            self.rebuilt.mismatches,
            self.second.mismatches,
            self.differences.len(),
            self.rebuilt.superseded,
            self.lived.caught_up.as_secs_f64(),
            self.rebuilt.caught_up.as_secs_f64(),
        )
    }

    fn kinds(&self) -> String {
        let kinds = self.written.kinds.iter();
        kinds.map(|(kind, count)| format!("{kind:?} {count}")).collect::<Vec<_>>().join(", ")
    }

    fn fates(&self) -> String {
        let mut fates: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        for &(sent, fate) in self.written.batches.values() {
            let (batches, records) = fates.entry(name(fate)).or_default();
            *batches += 1;
            *records += sent;
        }
        let fates = fates.into_iter();
        let fates =
            fates.map(|(name, (batches, records))| format!("{name} {records} in {batches}"));
        format!("{}, {} read", fates.collect::<Vec<_>>().join(", "), self.records_read)
    }

    pub(crate) fn into_failures(self) -> Vec<String> {
        let log = format!("millpond's log is {}", self.log.display());
        let named = |name, failures: Vec<String>| {
            failures.into_iter().map(move |failure| format!("{name}: {failure}"))
        };
        let mut failures = self.of_log;
        failures.extend(named("the process that lived through it", self.lived.failures));
        failures.extend(named("the process that was rebuilt", self.rebuilt.failures));
        failures.extend(named("the second reader", self.second.failures));
        failures.extend(named("two readers of one log", self.differences));
        failures.extend((!failures.is_empty()).then_some(log));
        failures
    }
}

fn name(fate: Fate) -> &'static str {
    match fate {
        Fate::Committed => "committed",
        Fate::Aborted => "aborted",
        Fate::InDoubt | Fate::InParts => "in doubt",
    }
}
