//! The `millpond` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    millpond::cli::run()
}
