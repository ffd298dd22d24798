//! Which topic rejected records are handed on to.

use super::report::Report;
use super::{Config, Kafka, Table};

impl Config {
    /// The topic that a table's rejected records are handed on to: its own or the common one.
    pub fn dead_letter_of<'a>(&'a self, table: &'a Table) -> Option<&'a str> {
        table.dead_letter.as_deref().or(self.kafka.dead_letter.as_deref())
    }
}

/// Checks that no rejected record comes back to be rejected again.
pub(super) fn check_together(kafka: &Kafka, tables: &[Table], report: &mut Report) {
    let of_tables = tables.iter().enumerate().filter_map(|(index, table)| {
        Some((format!("tables[{index}].dead_letter"), table.dead_letter.as_ref()?))
    });
    let common = kafka.dead_letter.as_ref().map(|topic| ("kafka.dead_letter".to_owned(), topic));
    for (key, topic) in common.into_iter().chain(of_tables) {
        if tables.iter().any(|table| table.topic == *topic) {
            let wrong = format!("found \"{topic}\": a table is fed by this topic");
            report.fault(&key, wrong, "name a topic of its own for what is rejected");
        }
    }
}
