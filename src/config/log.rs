//! `[log]`: what is logged, and how.

use serde::Serialize;

use super::form::{Text, Word};
use super::section::{Section, Unset};

pub(super) const ABOUT: &str = "What is logged, and how.";

/// What is logged, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines there are: directives of tracing's `EnvFilter`; not empty.
    pub filter: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For a person's eyes.
    Text,
}

const FILTER: Text = Text {
    wanted: "a level, or directives such as \"info,millpond::ingest=debug\"",
    fault: |text| text.trim().is_empty().then_some("nothing would be logged"),
};

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let format = section.key(
            "format",
            &Word(&[("json", LogFormat::Json), ("text", LogFormat::Text)]),
            Unset::Means("json"),
            "A JSON object a line, or text for a person's eyes.",
        );
        let filter = section.key("filter", &FILTER, Unset::Means("info"), "What is logged.");
        Some(Self { format: format?, filter: filter? })
    }
}
