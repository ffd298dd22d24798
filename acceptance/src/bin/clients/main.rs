//! Shows that the client packages in `clients/` do what they promise: each is tried by its own tests
//! against whole services, which the tests control. And that the ten lines of its README work as they
//! are printed.
//!
//! `cargo run --release -p millpond-acceptance --bin clients`
//! `cargo run --release -p millpond-acceptance --bin clients -- --only go --only node`
//!
//! It runs `clients/LANG/test.sh` and `clients/LANG/ten_lines.sh`. `environment.rs` says what they are
//! told, and `control.rs` what they may ask for. Each language has services of its own. It says which
//! languages it skips for want of their tools.

mod control;
mod document;
mod environment;
mod package;
mod script;
mod service;
mod services;
mod settings;
mod source_tree;
mod stream;
mod ten_lines;
mod tls_files;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use millpond_acceptance::language::{self, Language};
use millpond_acceptance::report::say;
use millpond_acceptance::require;

use package::Package;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../clients");

/// Tries the client packages.
#[derive(Debug, Parser)]
struct Args {
    /// A language to try alone; may be given several times
    #[arg(long, value_name = "LANG", value_parser = names())]
    only: Vec<String>,
    /// List the languages, and what each lacks here
    #[arg(long)]
    list: bool,
    /// The folder of the packages
    #[arg(long, value_name = "FOLDER", default_value = CLIENTS)]
    clients: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        list();
        return ExitCode::SUCCESS;
    }
    let failures = run(&args).unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn languages() -> impl Iterator<Item = Language> {
    language::ALL.into_iter().chain([language::RUST])
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(languages().map(|language| language.name))
}

fn list() {
    for language in languages() {
        let missing = language.missing();
        let lacks = if missing.is_empty() { "ready" } else { "lacks" };
        say(format!("{:<7} {lacks} {}", language.name, missing.join(", ")).trim_end());
    }
}

/// A line for each promise that was broken.
fn run(args: &Args) -> Result<Vec<String>> {
    let clients = args.clients.canonicalize();
    let clients = clients.with_context(|| format!("no folder {}", args.clients.display()))?;
    let is_wanted = |language: &Language| {
        args.only.is_empty() || args.only.iter().any(|name| name == language.name)
    };
    let mut failures = Vec::new();
    for language in languages().filter(is_wanted) {
        let missing = language.missing().join(", ");
        if missing.is_empty() {
            let package = Package::new(language.name, &clients);
            let broken = package.test().unwrap_or_else(|error| vec![format!("{error:#}")]);
            failures.extend(broken.into_iter().map(|why| format!("{}: {why}", language.name)));
        } else {
            say(&format!("{:<7} SKIPPED, there is no {missing}", language.name));
            let skipped = format!("{}: it was skipped, install {missing}", language.name);
            failures.extend((!require::may_skip()).then_some(skipped));
        }
    }
    Ok(failures)
}
