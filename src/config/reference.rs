//! The reference of all keys in `docs/CONFIGURATION.md`, generated from the schema.
//!
//! Reading a configuration also describes every key that it meets. So this reads one with a
//! single empty table, uses the descriptions, and ignores the faults.

use std::fmt::Write as _;

use super::Config;
use super::fault::Place;
use super::property;
use super::report::{Chapter, Description, Report};
use super::section;
use super::tree::{Change, Node};

/// Every section and key, in Markdown, with headings of the third level.
pub fn page() -> String {
    let mut page = String::new();
    for chapter in &chapters() {
        write_chapter(&mut page, chapter);
    }
    page.push_str(
        "### Settings of librdkafka that millpond owns\n\n| Setting | Instead |\n|---|---|\n",
    );
    for (name, cure) in property::owned() {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{name}` | {cure} |");
    }
    page
}

fn chapters() -> Vec<Chapter> {
    let mut tree = Node::section(Place::Nowhere);
    let path = ["tables", "0", "name"].map(str::to_owned).to_vec();
    let one_table = Change { path, text: String::new(), place: Place::Nowhere };
    let mut report = Report::default();
    report.faults.extend(tree.apply(one_table).err());
    section::read(tree, &mut report, Config::read);
    report.chapters
}

fn write_chapter(page: &mut String, chapter: &Chapter) {
    let _ = writeln!(page, "### `{}`\n\n{}\n", chapter.heading, chapter.about);
    page.push_str("| Key | Value | Default | |\n|---|---|---|---|\n");
    for Description { name, wanted, default, about } in &chapter.keys {
        let default = default.as_deref().unwrap_or("*required*");
        let _ = writeln!(page, "| `{name}` | {wanted} | {default} | {about} |");
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONFIGURATION.md");
    const BEGIN: &str = "<!-- keys: written by cargo test with MILLPOND_BLESS=1 -->\n\n";
    const END: &str = "\n<!-- end of keys -->\n";

    #[test]
    fn the_reference_page_is_current() {
        let found = std::fs::read_to_string(PAGE).unwrap();
        let (head, rest) = found.split_once(BEGIN).unwrap();
        let (_, tail) = rest.split_once(END).unwrap();
        let current = [head, BEGIN, &page(), END, tail].concat();
        if std::env::var_os("MILLPOND_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(PAGE, current).unwrap();
        } else {
            assert!(found == current, "docs/CONFIGURATION.md is old: run with MILLPOND_BLESS=1");
        }
    }
}
