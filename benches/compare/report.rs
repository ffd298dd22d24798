//! The document: what was measured, in tables, with what is aimed at beside what was reached.

use std::fmt::Write as _;

use millpond_acceptance::report::say;

use crate::targets::{self, Reached};

const WHAT: &str = "millpond side by side with what one would use instead, all of it measured by \
one command in one run on one machine. The command wrote this page:";
const HOW_TO_READ: &str = "A figure is the median of its repetitions, with the least and the most \
in parentheses. The broker and whoever asks share the machine with who is measured, and the machine \
may have others on it: take ratios rather than figures, and CPU time rather than wall time.";
/// Written by hand, from profiles: what is measured does not say why.
const WHERE_THE_REST_GOES: &str = include_str!("where_the_rest_goes.md");
const LINE_CHARS: usize = 100;

/// What came of a group.
pub(crate) struct Findings {
    pub(crate) title: &'static str,
    /// What was done, and what has to be known to read the figures.
    pub(crate) about: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) reached: Reached,
}

pub(crate) struct Table {
    header: Vec<String>,
    /// How columns behind the first are aligned.
    rule: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        say(&header.join("  "));
        let header = header.iter().map(ToString::to_string).collect();
        Self { header, rule: "---:", rows: Vec::new() }
    }

    /// One that holds words rather than figures.
    pub(crate) fn of_words(header: &[&str]) -> Self {
        Self { rule: "---", ..Self::new(header) }
    }

    /// It is said at once too: a measurement takes its time.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&dyn ToString; N]) {
        let cells: Vec<_> = cells.iter().map(|cell| cell.to_string()).collect();
        say(&cells.join("  "));
        self.rows.push(cells);
    }

    pub(crate) fn markdown(&self) -> String {
        let rule = self.header.iter().enumerate();
        let rule: Vec<_> = rule.map(|(at, _)| if at == 0 { "---" } else { self.rule }).collect();
        let mut text = format!("| {} |\n|{}|\n", self.header.join(" | "), rule.join("|"));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}

impl Findings {
    pub(crate) fn markdown(&self) -> String {
        let tables: Vec<_> = self.tables.iter().map(Table::markdown).collect();
        format!("## {}\n\n{}{}", self.title, wrapped(&self.about), tables.join("\n"))
    }
}

/// The whole document.
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

/// Paragraphs in lines as long as the other pages have them.
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
