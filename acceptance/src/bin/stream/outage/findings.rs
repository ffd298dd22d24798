//! The findings of the outage run, a report of them for people, and the failures among them.

use std::time::{Duration, Instant};

use super::course::Phase;
use super::later::Later;
use super::lookups::{Tallies, Tally};
use super::watch::{FRESH, Sample};

/// The most that the highest staleness may fall short of the outage. Answers are exact to
/// milliseconds, and there are ten samples a second.
const LITTLE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Outage {
    /// When the broker went down.
    pub(crate) gone: Instant,
    /// The time from then until the broker was started again.
    pub(crate) away: Duration,
    /// When it served again.
    pub(crate) back: Instant,
}

pub(crate) struct Findings {
    pub(crate) outage: Outage,
    pub(crate) lookups: Tallies,
    pub(crate) samples: Vec<Sample>,
    pub(crate) later: Later,
    /// The number of records that the broker refused.
    pub(crate) refused: u64,
}

impl Findings {
    pub(crate) fn report(&self) -> String {
        let Outage { gone, away, back } = self.outage;
        let of_phase = Phase::ALL.iter().zip(&self.lookups);
        let phases = of_phase.map(|(&phase, tally)| self.phase_line(phase, tally));
        let mut lines = vec![format!(
            "the broker was down for {:.1} s, and served again {:.1} s later",
            away.as_secs_f64(),
            (back - (gone + away)).as_secs_f64()
        )];
        lines.extend(phases);
        let after = |time: Option<Instant>| {
            time.map_or("never".into(), |at| format!("{:.1} s after", (at - back).as_secs_f64()))
        };
        let Later { records, missing } = self.later;
        lines.push(format!(
            "all that was taken was handled {} it served again, and known to be {}; {records} \
             records came beside, {missing} of them are not answered",
            after(self.caught_up()),
            after(self.known_complete()),
        ));
        lines.join("\n")
    }

    fn phase_line(&self, phase: Phase, tally: &Tally) -> String {
        let staleness = self.of(phase).map(|sample| sample.staleness.as_secs_f64());
        let staleness: Vec<_> = staleness.collect();
        let at = |index: usize| staleness.get(index).copied().unwrap_or_default();
        format!(
            "{:<7} {} lookups, {} failed, {}; ready in {} of {} looks; staleness from {:.1} to \
             {:.1} s, {:.1} at most",
            format!("{phase:?}").to_lowercase(),
            tally.latencies.count(),
            tally.failed,
            tally.latencies.line(),
            self.of(phase).filter(|sample| sample.is_ready).count(),
            staleness.len(),
            at(0),
            at(staleness.len().saturating_sub(1)),
            staleness.iter().copied().fold(0.0, f64::max),
        )
    }

    fn of(&self, phase: Phase) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.phase == phase)
    }

    /// The number of records that the broker had acknowledged before it came back.
    fn taken_before(&self) -> i64 {
        self.of(Phase::Away).last().map_or(0, |sample| sample.taken)
    }

    fn caught_up(&self) -> Option<Instant> {
        let before = self.taken_before();
        self.of(Phase::After).find(|sample| sample.has_all_since(before)).map(|sample| sample.at)
    }

    fn known_complete(&self) -> Option<Instant> {
        let before = self.taken_before();
        self.of(Phase::After).find(|sample| sample.is_well_again(before)).map(|sample| sample.at)
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        let stalest = self.of(Phase::Away).map(|sample| sample.staleness).max();
        let last = self.samples.last().map(|sample| sample.staleness);
        let some = |phase| self.of(phase).next().is_some();
        let faults = [
            (self.lookups.iter().any(|tally| tally.failed > 0), "lookups failed or were wrong"),
            (
                self.lookups.iter().any(|tally| tally.latencies.count() == 0),
                "a phase has no lookup",
            ),
            (!Phase::ALL.into_iter().all(some), "one of the phases has no sample"),
            (self.samples.iter().any(|sample| !sample.is_ready), "it was not ready throughout"),
            (
                stalest.map(|most| most + LITTLE) < Some(self.outage.away),
                "answers did not say that they were stale",
            ),
            (self.known_complete().is_none(), "it did not catch up"),
            (last > Some(FRESH), "answers stayed stale"),
            (self.later.records == 0, "no record was produced during the run"),
            (self.later.missing > 0, "acknowledged records are missing"),
            (self.refused > 0, "the broker refused records, which is no fault of millpond"),
        ];
        let faults =
            faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what.to_owned());
        faults.chain(self.lookups.iter().flat_map(|tally| tally.shown.clone())).collect()
    }
}
