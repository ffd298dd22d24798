//! `millpond man`: the manual pages, to a folder, or the first of them to standard output.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::failure::{Exit, Failure};

/// Where to write the pages.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// A folder for the pages of the command and of each verb, such as
    /// ~/.local/share/man/man1. Without it, the page of the command is printed, for `man -l -`
    folder: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, command: Command) -> Result<(), Failure> {
    if let Some(folder) = &args.folder {
        return write_all(folder, command).map_err(|error| {
            let folder = folder.display();
            Failure::new(Exit::Usage, format!("cannot write manual pages to {folder}: {error}"))
        });
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(io::stdout().write_all(&page)?)
}

fn write_all(folder: &Path, command: Command) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)
}
