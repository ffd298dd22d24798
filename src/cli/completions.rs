//! `millpond completions`: what a shell completes of the command line.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::failure::Failure;

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for a command.
pub(super) fn run(args: &CompletionsArgs, mut command: Command) -> Result<(), Failure> {
    let name = command.get_name().to_owned();
    // To memory first: a pipe may be closed.
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    Ok(io::stdout().write_all(&script)?)
}
