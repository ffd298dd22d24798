//! The load: all who call both services while these restart.
//!
//! Knows who there is, and who is wanted. Each kind of caller is a file of its own.

use std::path::PathBuf;

use anyhow::Result;
use millpond_acceptance::language::{self, GO};
use millpond_acceptance::report::say;
use millpond_acceptance::require;

use super::command_line::CommandLine;
use super::go::GoCaller;
use super::package::{Package, PackageCaller};
use super::shared_name;
use super::target::Target;
use crate::rust_caller;

/// The user of our own client, which is a part of this program.
const RUST: &str = "rust";
/// The program with gRPC's own library.
const GRPC_GO: &str = "grpc-go";
/// `millpond get`.
const COMMAND_LINE: &str = "command-line";

/// Callers whose programs are built.
#[derive(Default)]
pub(super) struct Load {
    packages: Vec<Package>,
    grpc_go: Option<PathBuf>,
    has_command_line: bool,
    /// A line for each caller that was skipped, and must not be.
    skipped: Vec<String>,
}

/// Callers that run.
pub(super) struct RunningLoad {
    packages: Vec<PackageCaller>,
    grpc_go: Option<GoCaller>,
    command_line: Option<CommandLine>,
    skipped: Vec<String>,
}

/// The names of all callers. That of a client package is the name of its language.
pub(super) fn names() -> Vec<&'static str> {
    let languages = language::ALL.map(|language| language.name);
    languages.into_iter().chain([RUST, GRPC_GO, COMMAND_LINE]).collect()
}

impl Load {
    /// Builds the callers with these names, or all if there are none. Says which it skips.
    pub(super) fn build(only: &[String]) -> Result<Self> {
        let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
        let mut load = Self { has_command_line: is_wanted(COMMAND_LINE), ..Self::default() };
        for language in language::ALL.into_iter().filter(|language| is_wanted(language.name)) {
            let (name, sources) = (language.name, language.package_caller());
            let mut missing = sources.missing();
            missing.extend(shared_name::missing());
            if load.admit(name, &missing) {
                let program = sources.build(&format!("rolling/{name}"))?;
                load.packages.push(Package { name, line: vec![program.into()] });
            }
        }
        if is_wanted(RUST) && load.admit(RUST, shared_name::missing().as_slice()) {
            let line = vec![std::env::current_exe()?.into(), rust_caller::COMMAND.into()];
            load.packages.push(Package { name: RUST, line });
        }
        if is_wanted(GRPC_GO) && load.admit(GRPC_GO, &GO.missing()) {
            load.grpc_go = Some(GO.build()?);
        }
        Ok(load)
    }

    /// Starts the callers, and returns when those of client packages call.
    pub(super) fn start(self, target: &Target) -> Result<RunningLoad> {
        let Target { addresses, table, keys, .. } = target;
        let key = keys.last().map_or("", String::as_str);
        let grpc_go = self.grpc_go.map(|program| GoCaller::start(&program, addresses, table, key));
        let command_line = self.has_command_line.then(|| CommandLine::start(addresses, table, key));
        let packages = self.packages.iter().map(|package| package.start(target));
        Ok(RunningLoad {
            packages: packages.collect::<Result<_>>()?,
            grpc_go: grpc_go.transpose()?,
            command_line: command_line.transpose()?,
            skipped: self.skipped,
        })
    }

    /// Whether a caller can be built. Notes that it is skipped if not.
    fn admit(&mut self, name: &str, missing: &[&str]) -> bool {
        let missing_names = missing.join(", ");
        if !missing.is_empty() {
            say(&format!("{name:<13} SKIPPED, there is no {missing_names}"));
            let skipped = format!("{name}: it was skipped, there is no {missing_names}");
            self.skipped.extend((!require::may_skip()).then_some(skipped));
        }
        missing.is_empty()
    }
}

impl RunningLoad {
    /// Ends the callers. A line for each promise that was broken.
    pub(super) fn stop(self) -> Result<Vec<String>> {
        let mut failures = self.skipped;
        for caller in self.packages {
            failures.extend(caller.stop()?);
        }
        if let Some(caller) = self.grpc_go {
            failures.extend(caller.stop()?);
        }
        if let Some(caller) = self.command_line {
            failures.extend(caller.stop()?);
        }
        Ok(failures)
    }
}
