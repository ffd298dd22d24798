//! What the calls of a program came to, and whether that is as it should be.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::service::INSTANCES;

/// A program that makes fewer was not steady: it is told to make some hundred.
const MIN_CALLS_A_SECOND: u64 = 50;
/// Of its calls each service answers at least one in so many.
const MIN_SHARE: u64 = 10;
/// So many kinds of errors are shown.
const FEW: usize = 5;

/// How often each outcome came: see `acceptance/packages/README.md`.
pub(super) struct Outcomes(Vec<(u64, String)>);

impl Outcomes {
    /// Reads what the program has printed.
    pub(super) fn parse(text: &str) -> Self {
        let parse_line = |line: &str| {
            let (count, outcome) = line.split_once(' ')?;
            Some((count.parse().ok()?, outcome.to_owned()))
        };
        // What has no count is the rest of an error.
        Self(text.lines().filter_map(parse_line).collect())
    }

    /// A line for each promise that was broken.
    pub(super) fn failures(&self, took: Duration) -> Vec<String> {
        let (calls, mut failures) = (self.count(""), self.wrong());
        if calls < took.as_secs() * MIN_CALLS_A_SECOND {
            failures.push(format!("{calls} calls in {} s are too few", took.as_secs()));
        }
        for instance in INSTANCES {
            let answered = self.answered(instance);
            if answered < calls / MIN_SHARE {
                failures.push(format!("the {instance} service answered {answered} of {calls}"));
            }
        }
        failures
    }

    /// The most frequent of those outcomes that should not be: the key is there, so that a miss is
    /// false.
    fn wrong(&self) -> Vec<String> {
        let is_right = |outcome: &str| INSTANCES.iter().any(|name| outcome == answered_by(name));
        let mut wrong: Vec<_> = self.0.iter().filter(|(_, what)| !is_right(what)).collect();
        wrong.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let rest = wrong.len().saturating_sub(FEW);
        let shown =
            wrong.into_iter().take(FEW).map(|(count, what)| format!("{count} calls {what}"));
        shown.chain((rest > 0).then(|| format!("and {rest} other kinds"))).collect()
    }

    fn answered(&self, instance: &str) -> u64 {
        self.count(&answered_by(instance))
    }

    /// The calls whose outcome begins so.
    fn count(&self, beginning: &str) -> u64 {
        let those = self.0.iter().filter(|(_, outcome)| outcome.starts_with(beginning));
        those.map(|(count, _)| count).sum()
    }
}

impl Display for Outcomes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let [first, second] = INSTANCES.map(|instance| self.answered(instance));
        let (calls, failed, missed) = (self.count(""), self.count("failed"), self.count("missed"));
        write!(formatter, "{calls} calls: {first} and {second} answered, ")?;
        write!(formatter, "{failed} failed, {missed} false misses")
    }
}

fn answered_by(instance: &str) -> String {
    format!("answered {instance}")
}
