//! Tests of whole configurations, and what they share.

mod access;
mod cross_checks;
mod effective;
mod faults;
mod layers;
mod securing;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

pub(super) const SMALLEST: &str = r#"
[kafka]
brokers = "localhost:9092"
[[tables]]
name = "services"
topic = "service-events"
key = "/id"
fields = { description = "/description" }
ttl = "24h"
"#;

/// A configuration file, deleted when it is dropped.
struct File(TempDir);

impl File {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("millpond.toml"), text).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("millpond.toml")
    }
}

pub(super) fn load(
    text: &str,
    environment: &[(&str, &str)],
    settings: &[&str],
) -> Result<Config, Faults> {
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
    Config::load(Some(&File::of(text).path()), environment, &settings)
}

/// Every fault as `key: wrong`.
pub(super) fn faults(text: &str, environment: &[(&str, &str)], settings: &[&str]) -> Vec<String> {
    let faults = load(text, environment, settings).unwrap_err();
    faults.as_slice().iter().map(|fault| format!("{}: {}", fault.key, fault.wrong)).collect()
}

/// The sample configuration of the reference page.
fn sample() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONFIGURATION.md");
    let page = fs::read_to_string(page).unwrap();
    page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}
