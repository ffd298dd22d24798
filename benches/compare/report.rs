//! The page docs/BENCHMARKS.md: tables of the figures, and the targets beside them.

use std::fmt::Write as _;

use crate::table::Table;
use crate::targets::{self, Reached};

const WHAT: &str = "\
millpond compared with its alternatives. One command measured everything in one run on one \
machine, and wrote this page:";
const HOW_TO_READ: &str = "\
A figure is the median of its repetitions, with the least and the most in parentheses. The broker \
and the client share the machine with the measured process, and other load may share it too. So \
ratios tell more than absolute figures, and CPU time more than wall time.";
/// Written by hand, from profiles: measurements do not say where the time goes.
const WHERE_THE_REST_GOES: &str = include_str!("where_the_rest_goes.md");
const LINE_CHARS: usize = 100;

/// The findings of a group.
pub(crate) struct Findings {
    pub(crate) title: &'static str,
    /// What was measured, and what a reader needs to know for the figures.
    pub(crate) about: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) reached: Reached,
}

impl Findings {
    pub(crate) fn markdown(&self) -> String {
        let tables: Vec<_> = self.tables.iter().map(Table::markdown).collect();
        format!("## {}\n\n{}{}", self.title, wrapped(&self.about), tables.join("\n"))
    }
}

/// The whole page.
pub(crate) fn document(
    command: &str,
    machine: &Table,
    findings: &[Findings],
    skipped: &[String],
) -> String {
    let reached = findings.iter().flat_map(|each| each.reached.iter().copied()).collect();
    let mut text = format!(
        "# Benchmarks\n\n{}```console\n{command}\n```\n\n{}## Machine\n\n{}\n## Targets\n\n{}",
        wrapped(WHAT),
        wrapped(HOW_TO_READ),
        machine.markdown(),
        targets::table(&reached).markdown(),
    );
    for what in skipped {
        let _ = write!(text, "\n{}", wrapped(&format!("Skipped: {what}.")));
    }
    for each in findings {
        let _ = write!(text, "\n{}", each.markdown());
    }
    let _ = write!(text, "\n{WHERE_THE_REST_GOES}");
    text
}

/// Wraps a paragraph into lines as long as those of the other pages.
fn wrapped(text: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        if length + 1 + word.len() > LINE_CHARS {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
        }
        lines.push_str(word);
        length += word.len() + 1;
    }
    lines + "\n\n"
}
