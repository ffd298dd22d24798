//! A real browser, for what pages show: Chromium, driven by a script of `acceptance/browser/`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::require;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/browser");
/// Names the program, if it is not where Debian has it.
const CHROMIUM: &str = "CHROMIUM";
const DEBIAN_CHROMIUM: &str = "/usr/bin/chromium";

/// A browser with what drives it.
#[derive(Debug)]
pub struct Browser {
    folder: PathBuf,
}

impl Browser {
    /// The browser for `test`. None after it said that the test is skipped.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn require(test: &str) -> Option<&'static Self> {
        static INSTALLED: OnceLock<Result<Browser, String>> = OnceLock::new();
        let installed = INSTALLED.get_or_init(|| install().map_err(|error| format!("{error:#}")));
        installed
            .as_ref()
            .map_err(|why| {
                let cure = "install chromium, node and npm (which needs a network once)";
                require::skip(test, "a browser", why, cure);
            })
            .ok()
    }

    /// Runs a script, which prints what is wrong and fails if anything is.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("node");
        command.arg(self.folder.join(script)).args(arguments).stdin(Stdio::null());
        let output = command.output().context("node could not be run")?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{script}:\n{}", String::from_utf8_lossy(&said));
        Ok(())
    }
}

/// The scripts, and beside them the packages that they use.
fn install() -> Result<Browser> {
    let chromium = env::var_os(CHROMIUM).map_or_else(|| DEBIAN_CHROMIUM.into(), PathBuf::from);
    ensure!(chromium.is_file(), "there is no {}", chromium.display());
    let folder = cargo::log_file("browser")?;
    fs::create_dir_all(&folder)?;
    for file in fs::read_dir(SCRIPTS)? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    if !has_packages(&folder) {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
        let output = npm.stdin(Stdio::null()).output().context("npm could not be run")?;
        let why = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "npm install: {}", String::from_utf8_lossy(&why));
    }
    Ok(Browser { folder })
}

/// Whether the packages of this list are installed.
fn has_packages(folder: &Path) -> bool {
    let installed = fs::read(folder.join("node_modules/.package-lock.json"));
    let text = String::from_utf8(installed.unwrap_or_default()).unwrap_or_default();
    let list = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let is_wanted = |line: &&str| line.contains("\": \"") && line.starts_with("    ");
    list.lines().filter(is_wanted).all(|line| {
        let mut words = line.split('"').skip(1).step_by(2);
        let (Some(name), Some(version)) = (words.next(), words.next()) else { return false };
        text.contains(&format!("node_modules/{name}\""))
            && text.contains(&format!("\"version\": \"{version}\""))
    })
}
