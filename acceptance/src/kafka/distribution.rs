//! Apache Kafka's program files: fetched once with Maven into `target/tmp`, and run with the Java
//! that is installed.
//!
//! Owns the version (`pom.xml`) and the folder. Knows nothing of the programs that run from it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::temporary_folder;

/// The version to fetch. A copy in the folder shows that the folder is complete and current.
const POM: &str = include_str!("pom.xml");
/// The oldest Java that this Kafka runs on.
const OLDEST_JAVA: u32 = 17;
/// A small heap, and options for a quick start.
const JVM_OPTIONS: [&str; 5] = [
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/// Kafka on this machine, ready to run.
#[derive(Debug)]
pub(super) struct Distribution {
    java: PathBuf,
    libraries: PathBuf,
}

impl Distribution {
    /// Kafka from an earlier run, or else fetched now. The error says what this machine lacks.
    pub(super) fn find_or_fetch() -> Result<Self> {
        let java = find_java()?;
        let folder = folder()?;
        if !is_whole(&folder) {
            fetch(&folder)?;
        }
        Ok(Self { java, libraries: folder.join("libraries") })
    }

    /// Java's tool for keys and certificates.
    pub(super) fn keytool(&self) -> PathBuf {
        self.java.with_file_name("keytool")
    }

    /// The command line that runs a main class of Kafka. The caller adds the arguments.
    pub(super) fn command_line(&self, main_class: &str) -> Vec<OsString> {
        let mut line = vec![self.java.clone().into_os_string()];
        line.extend(JVM_OPTIONS.map(OsString::from));
        line.extend(["-classpath".into(), self.libraries.join("*").into_os_string()]);
        line.push(main_class.into());
        line
    }
}

fn find_java() -> Result<PathBuf> {
    let java = env::var_os("JAVA_HOME")
        .map_or_else(|| PathBuf::from("java"), |home| Path::new(&home).join("bin/java"));
    let output = run(Command::new(&java).arg("-version"))?;
    // Example: openjdk version "17.0.15" 2025-04-15
    let text = String::from_utf8_lossy(&output.stderr);
    let version = text.split('"').nth(1).unwrap_or_default();
    let major = version.split(['.', '-', '+']).next().and_then(|major| major.parse::<u32>().ok());
    ensure!(
        major.is_some_and(|major| major >= OLDEST_JAVA),
        "{} is version '{version}', and {OLDEST_JAVA} or later is needed",
        java.display()
    );
    Ok(java)
}

fn folder() -> Result<PathBuf> {
    let version = POM
        .split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once('<'))
        .map(|(version, _)| version)
        .context("pom.xml has no <kafka.version>")?;
    Ok(temporary_folder()?.join(format!("kafka-{version}")))
}

fn is_whole(folder: &Path) -> bool {
    fs::read_to_string(folder.join("pom.xml")).is_ok_and(|pom| pom == POM)
}

/// Fetches into a temporary folder and renames it at the end, so that `folder` is always complete.
/// If several processes fetch at the same time, the first one's folder stays.
fn fetch(folder: &Path) -> Result<()> {
    let beside = folder.parent().context("the folder for kafka has no parent")?;
    fs::create_dir_all(beside)?;
    let staging = tempfile::Builder::new().prefix("kafka-fetch-").tempdir_in(beside)?;
    fs::write(staging.path().join("pom.xml"), POM)?;
    copy_libraries(staging.path())?;
    if !is_whole(folder) {
        // A folder of an older pom.xml.
        drop(fs::remove_dir_all(folder));
    }
    let renamed = fs::rename(staging.path(), folder);
    if is_whole(folder) { Ok(()) } else { renamed.context("could not keep the fetched kafka") }
}

fn copy_libraries(staging: &Path) -> Result<()> {
    let libraries = staging.join("libraries");
    let mut out = OsString::from("-DoutputDirectory=");
    out.push(&libraries);
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "-Dstyle.color=never"]);
    maven.arg("dependency:copy-dependencies").arg(out);
    let output = run(maven.current_dir(staging))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let error = text.lines().find(|line| line.contains("ERROR")).unwrap_or("it does not say why");
    bail!("mvn could not fetch kafka: {error}")
}

fn run(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().with_context(|| format!("{program} could not be run"))
}
