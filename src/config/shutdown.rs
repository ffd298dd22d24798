//! `[shutdown]`: how the service stops.

use std::time::Duration;

use serde::Serialize;

use super::form::{Time, serialize_duration};
use super::section::{Section, Unset};

pub(super) const ABOUT: &str = "How the service stops.";

/// How the service stops.
#[derive(Clone, Debug, Serialize)]
pub struct Shutdown {
    /// For this long after the signal the service still accepts calls. Below the deadline.
    #[serde(serialize_with = "serialize_duration")]
    pub delay: Duration,
    /// The process ends within this time after the signal to stop. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub deadline: Duration,
}

const HOUR: Duration = Duration::from_secs(3_600);

impl Shutdown {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let delay = section.key(
            "delay",
            &Time(Duration::ZERO..=HOUR),
            Unset::Means("0s"),
            "For this long after the signal to stop the service says that it is not serving, and \
             still answers. Callers and load balancers get this time to notice.",
        );
        let deadline = section.key(
            "deadline",
            &Time(Duration::from_millis(1)..=HOUR),
            Unset::Means("20s"),
            "The process ends within this time after the signal to stop, of which the delay is a \
             part. Keep it below the orchestrator's grace period.",
        );
        let (delay, deadline) = (delay?, deadline?);
        if delay >= deadline {
            let (path, wrong) = (section.path_of("delay"), "it takes the whole shutdown.deadline");
            section.report.fault(&path, wrong, "lower it, or raise shutdown.deadline");
            return None;
        }
        Some(Self { delay, deadline })
    }
}
