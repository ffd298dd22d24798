//! A table of the page.

use std::fmt::Write as _;

use millpond_acceptance::report::say;

pub(crate) struct Table {
    header: Vec<String>,
    /// The alignment of all columns but the first.
    rule: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        say(&header.join("  "));
        let header = header.iter().map(ToString::to_string).collect();
        Self { header, rule: "---:", rows: Vec::new() }
    }

    /// A table of words instead of figures.
    pub(crate) fn of_words(header: &[&str]) -> Self {
        Self { rule: "---", ..Self::new(header) }
    }

    /// Adds a row. Also prints it at once, because a measurement takes long.
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
