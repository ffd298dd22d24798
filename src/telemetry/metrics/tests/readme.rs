//! The table of metrics in `README.md`, written from the catalogue.

use std::env;
use std::fmt::Write as _;
use std::fs;

use super::super::catalogue;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- metrics: written by cargo test with MILLPOND_BLESS=1 -->\n\n";
const END: &str = "\n<!-- end of metrics -->\n";

fn table() -> String {
    let mut table = "| metric | kind | labels | |\n|---|---|---|---|\n".to_owned();
    for metric in catalogue::ALL {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (metric.name, metric.kind.name(), metric.help);
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_table_of_metrics_is_current() {
    let found = fs::read_to_string(PAGE).unwrap();
    let (head, rest) = found.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let current = [head, BEGIN, &table(), END, tail].concat();
    if env::var_os("MILLPOND_BLESS").is_some_and(|value| value == "1") {
        fs::write(PAGE, current).unwrap();
    } else {
        assert!(found == current, "README.md is old: run with MILLPOND_BLESS=1");
    }
}
