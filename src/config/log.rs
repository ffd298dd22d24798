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
    wanted: "a level (error, warn, info, debug, trace or off), or directives such as \
             \"info,millpond::ingest=debug\"",
    fault: filter_fault,
};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// The programs that log: this one, and libraries in it.
const TARGETS: [&str; 7] = ["millpond", "librdkafka", "rdkafka", "h2", "hyper", "tonic", "tower"];

/// A word that is neither a level nor a target is taken for the name of a target of which nobody
/// has heard, and then nothing is logged.
fn filter_fault(filter: &str) -> Option<&'static str> {
    if filter.trim().is_empty() {
        return Some("nothing would be logged");
    }
    let directives = || filter.split(',').map(str::trim).filter(|each| !each.is_empty());
    let is_wrong = |directive: &str| !directive.contains(['=', '[']) && !is_known(directive);
    if directives().any(is_wrong) || !directives().any(is_known) {
        return Some("neither a level nor a part of millpond, so nothing would be logged");
    }
    None
}

/// Whether the directive is a level, or names a target that there is.
fn is_known(directive: &str) -> bool {
    let target = directive.split(['=', '[']).next().unwrap_or_default();
    let module = target.split("::").next().unwrap_or_default();
    let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(directive));
    // A span or a field alone, as in `[lookup]`, goes for all targets.
    is_level || TARGETS.contains(&module) || directive.starts_with('[')
}

impl Log {
    /// What is wrong with directives, beside what tracing says of them.
    pub fn filter_fault(directives: &str) -> Option<&'static str> {
        filter_fault(directives)
    }

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
