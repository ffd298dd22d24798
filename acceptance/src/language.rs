//! The programs of `acceptance/clients/`: which there are, what each needs, and how it is built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::cargo;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

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
/// All of them.
pub const ALL: [Language; 4] = [
    GO,
    Language { name: "java", needs: &["java", "mvn"] },
    Language { name: "node", needs: &["node", "npm"] },
    Language { name: "python", needs: &["python3"] },
];

impl Language {
    /// The programs that are not on this machine.
    pub fn missing(self) -> Vec<&'static str> {
        self.needs.iter().copied().filter(|program| !is_installed(program)).collect()
    }

    /// Builds the caller, and returns the program to run.
    pub fn build(self) -> anyhow::Result<PathBuf> {
        let folder = cargo::log_file("callers")?.join(self.name);
        std::fs::create_dir_all(&folder)?;
        let script = Path::new(CLIENTS).join(self.name).join("build.sh");
        let output = Command::new(&script)
            .arg(&folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} could not be run", script.display()))?;
        let why = [output.stdout, output.stderr].concat();
        let why = String::from_utf8_lossy(&why);
        ensure!(output.status.success(), "the {} caller could not be built: {why}", self.name);
        Ok(folder.join("run"))
    }
}

fn is_installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", r#"command -v "$0" >/dev/null"#, program]).status();
    found.is_ok_and(|status| status.success())
}
