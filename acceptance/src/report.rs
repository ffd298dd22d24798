//! Output of the programs of this package.

/// Prints a line on standard output.
#[expect(clippy::print_stdout, reason = "a report is read on a terminal")]
pub fn say(line: &str) {
    println!("{line}");
}
