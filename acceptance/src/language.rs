//! Programs in other languages: what each needs and how it is built, and which there are in
//! `acceptance/clients/` and `acceptance/packages/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::cargo;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packages");

/// The source of a program: a folder with a `build.sh FOLDER`, which leaves the program
/// `FOLDER/run`.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The folder.
    pub folder: PathBuf,
    /// The programs that build and run it.
    pub needs: &'static [&'static str],
}

/// A language that a caller is written in.
#[derive(Debug, Clone, Copy)]
pub struct Language {
    /// As its folder is called.
    pub name: &'static str,
    /// The programs that build and run it. Python brings protoc, which Go uses too.
    needs: &'static [&'static str],
}

/// Go.
pub const GO: Language = Language { name: "go", needs: &["go", "python3"] };
/// Rust. The harness itself calls in it, so there is no program in it.
pub const RUST: Language = Language { name: "rust", needs: &["cargo"] };
/// All that there are programs in.
pub const ALL: [Language; 4] = [
    GO,
    Language { name: "java", needs: &["java", "mvn"] },
    Language { name: "node", needs: &["node", "npm"] },
    Language { name: "python", needs: &["python3"] },
];

impl Sources {
    /// The programs that are not on this machine.
    pub fn missing(&self) -> Vec<&'static str> {
        self.needs.iter().copied().filter(|program| !is_installed(program)).collect()
    }

    /// Builds into `target/tmp/INTO`, and returns the program to run.
    pub fn build(&self, into: &str) -> anyhow::Result<PathBuf> {
        let folder = cargo::log_file(into)?;
        std::fs::create_dir_all(&folder)?;
        let script = self.folder.join("build.sh");
        let output = Command::new(&script)
            .arg(&folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} could not be run", script.display()))?;
        let why = [output.stdout, output.stderr].concat();
        let why = String::from_utf8_lossy(&why);
        ensure!(output.status.success(), "{} failed: {}", script.display(), why.trim());
        Ok(folder.join("run"))
    }
}

impl Language {
    /// The programs that are not on this machine.
    pub fn missing(self) -> Vec<&'static str> {
        self.sources().missing()
    }

    /// Builds the caller, and returns the program to run.
    pub fn build(self) -> anyhow::Result<PathBuf> {
        self.sources().build(&format!("callers/{}", self.name))
    }

    /// The program that calls by the language's client package.
    pub fn package_caller(self) -> Sources {
        Sources { folder: Path::new(PACKAGES).join(self.name), needs: self.needs }
    }

    fn sources(self) -> Sources {
        Sources { folder: Path::new(CLIENTS).join(self.name), needs: self.needs }
    }
}

fn is_installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", r#"command -v "$0" >/dev/null"#, program]).status();
    found.is_ok_and(|status| status.success())
}
