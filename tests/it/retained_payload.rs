//! The example `retained_payload` still shows what docs/RETAINED-PAYLOADS.md says.
//!
//! `cargo test` builds the example beside the command. `cargo test --test it` does not and may run
//! an outdated one: run `cargo build --examples` first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn slices_hold_several_times_what_copies_hold() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("made/curves.svg");
    let printed = census(&svg);
    let [sets, messages, copies] = row(&printed, "held, to that of the copies");
    assert!(sets > 5.0 && messages > 5.0, "{printed}");
    assert!((copies - 1.0).abs() < f64::EPSILON, "{printed}");
    let [sets, messages, copies] = row(&printed, "held for messages");
    assert!(sets > 30.0 && messages > 30.0 && copies < 1.0, "{printed}");
    assert!(printed.lines().all(|line| line.len() <= 100), "{printed}");
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"), "{drawn}");
    let curves = drawn.matches(r#"stroke-width="4""#).count();
    assert_eq!(curves, 3, "{drawn}");
}

fn census(svg: &Path) -> String {
    let example = example();
    let run = Command::new(&example).args(["--messages", "20000", "--svg"]).arg(svg).output();
    let run = run.unwrap_or_else(|error| {
        panic!("{}: {error}: build it by `cargo build --examples`", example.display())
    });
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

/// Cargo does not tell tests where an example is, but puts examples beside the command.
fn example() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_millpond")).with_file_name("examples").join("retained_payload")
}

/// The numbers of one row: slices of message sets, slices of messages, and copies.
fn row(printed: &str, label: &str) -> [f64; 3] {
    let row = printed.lines().find_map(|line| line.strip_prefix(label)).expect(label);
    let numbers = row.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.collect::<Vec<f64>>().try_into().expect(row)
}
