//! `[log]`: what is logged, and in which format.

use serde::Serialize;

use super::form::{Text, Word};
use super::section::{Section, Unset};

pub(super) const ABOUT: &str = "What is logged, and in which format.";

/// What is logged, and in which format.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// The format of a line.
    pub format: LogFormat,
    /// Which messages are logged: directives of tracing's `EnvFilter`; not empty.
    pub filter: String,
}

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people to read.
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
            "`json` writes one JSON object a line; `text` is for people to read.",
        );
        let filter =
            section.key("filter", &FILTER, Unset::Means("info"), "Which messages are logged.");
        Some(Self { format: format?, filter: filter? })
    }
}
