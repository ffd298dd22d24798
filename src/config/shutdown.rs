//! `[shutdown]`: how the service stops.

use std::time::Duration;

use serde::Serialize;

use super::form::{Time, serialize_duration};
use super::section::{Section, Unset};

pub(super) const ABOUT: &str = "How the service stops.";

/// How the service stops.
#[derive(Clone, Debug, Serialize)]
pub struct Shutdown {
    /// The process ends within this time after the signal to stop. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub deadline: Duration,
}

impl Shutdown {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let deadline = section.key(
            "deadline",
            &Time(Duration::from_millis(1)..=Duration::from_secs(3600)),
            Unset::Means("20s"),
            "The process ends within this time after the signal to stop. Keep it below the \
             orchestrator's grace period.",
        );
        Some(Self { deadline: deadline? })
    }
}
