//! The folders of cargo's build output, and the `millpond` binary that runs test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// Names a `millpond` that is built already, by its path.
const GIVEN_BINARY: &str = "MILLPOND_TEST_BINARY";
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");

/// The `millpond` that `MILLPOND_TEST_BINARY` names, or the release build of this workspace. That is
/// built first if it is out of date.
pub fn millpond() -> Result<PathBuf> {
    // Once, so that a run tests one build even if the source changes meanwhile.
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built.clone());
    }
    let built = env::var_os(GIVEN_BINARY).map_or_else(build, |given| Ok(given.into()))?;
    Ok(BUILT.get_or_init(|| built).clone())
}

/// The path of a log that is kept: `target/tmp/NAME`.
pub fn log_file(name: &str) -> Result<PathBuf> {
    let folder = temporary_folder()?;
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

/// The folder for files of tests and runs, as in `CARGO_TARGET_TMPDIR`.
pub(crate) fn temporary_folder() -> Result<PathBuf> {
    Ok(target_folder()?.join("tmp"))
}

fn build() -> Result<PathBuf> {
    let target = target_folder()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = without_own_package(&mut Command::new(cargo))
        // No package is named, so that the features of dependencies are those of a plain build.
        .args(["build", "--release", "--quiet", "--bin", "millpond"])
        .args(["--manifest-path", WORKSPACE])
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("cargo could not be run")?;
    ensure!(status.success(), "millpond could not be built: cargo ended with {status}");
    Ok(target.join("release/millpond"))
}

/// Takes from a command what `cargo run` says of the package that it runs. ring is built anew whenever
/// that changes, and all that needs it.
fn without_own_package(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Finds it from the path of this program: `target/PROFILE/NAME`, or
/// `target/PROFILE/deps/NAME-HASH` for a test or a benchmark.
fn target_folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.parent().context("this program has no folder")?;
    let is_deps = folder.file_name().is_some_and(|name| name == "deps");
    let profile = if is_deps { folder.parent() } else { Some(folder) };
    let target = profile.and_then(Path::parent).context("this program was not built by cargo")?;
    Ok(target.to_owned())
}
