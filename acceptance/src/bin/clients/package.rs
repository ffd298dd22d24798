//! One client package: its scripts, each run against services of its own.
//!
//! Owns the order, and the folder that the scripts build in. Knows nothing of what they test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use millpond_acceptance::broker::Broker;
use millpond_acceptance::cargo;
use millpond_acceptance::report::say;
use tokio::runtime::Runtime;

use crate::script::Script;
use crate::services::{README_VALUE, Services};
use crate::source_tree::SourceTree;
use crate::{control, environment, ten_lines};

pub(crate) struct Package {
    /// The language, as its folder is called.
    name: &'static str,
    folder: PathBuf,
}

impl Package {
    pub(crate) fn new(name: &'static str, clients: &Path) -> Self {
        Self { name, folder: clients.join(name) }
    }

    /// A line for each promise that was broken.
    pub(crate) fn test(&self) -> Result<Vec<String>> {
        // A runtime of its own: with it ends all that was started for this package.
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let broker = Broker::in_process();
            let services = Arc::new(Services::start(&broker, self.name).await?);
            let mut failures = self.test_against(&services).await?;
            failures.extend(services.stop()?);
            Ok(failures)
        })
    }

    async fn test_against(&self, services: &Arc<Services>) -> Result<Vec<String>> {
        let control = control::serve(Arc::clone(services)).await?;
        let before = SourceTree::of(&self.folder)?;
        let test = self.script("test.sh", None, environment::of_tests(services, control))?;
        let mut failures = self.run(test, "").await?;
        match self.ten_lines() {
            Err(error) => failures.push(format!("{error:#}")),
            Ok(block) => {
                let environment = environment::of_ten_lines(services);
                let script = self.script("ten_lines.sh", Some(block), environment)?;
                failures.extend(self.run(script, README_VALUE).await?);
            }
        }
        failures.extend(before.added()?);
        Ok(failures)
    }

    /// Runs a script, whose output has to contain `wanted`. Returns why it failed.
    async fn run(&self, script: Script, wanted: &'static str) -> Result<Vec<String>> {
        let name = self.name;
        let failure = tokio::task::spawn_blocking(move || run(name, &script, wanted)).await??;
        Ok(failure.into_iter().collect())
    }

    fn script(
        &self,
        name: &'static str,
        file: Option<PathBuf>,
        environment: Vec<String>,
    ) -> Result<Script> {
        let arguments = [scratch(self.name)?].into_iter().chain(file).collect();
        let log = cargo::log_file(&format!("clients/{}-{name}.log", self.name))?;
        Ok(Script { name, folder: self.folder.clone(), arguments, environment, log })
    }

    /// A file with the ten lines of the README.
    fn ten_lines(&self) -> Result<PathBuf> {
        let readme = self.folder.join("README.md");
        let page = fs::read_to_string(&readme);
        let page = page.with_context(|| format!("{} could not be read", readme.display()))?;
        let block = ten_lines::block(&page);
        let block = block.with_context(|| format!("{} has no ten lines", readme.display()))?;
        // Not in the folder of the scripts, which may clear it.
        let file = scratch(&format!("{}-readme", self.name))?.join("ten_lines.txt");
        fs::write(&file, block)?;
        Ok(file)
    }
}

/// The folder `target/tmp/clients/NAME`.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = cargo::log_file(&format!("clients/{name}"))?;
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a script, and shows the output of one that failed. Returns why it did.
fn run(name: &str, script: &Script, wanted: &str) -> Result<Option<String>> {
    let ran = script.run()?;
    let failure = match ran.failure {
        None if !ran.output.contains(wanted) => {
            Some(format!("{} does not print {wanted}", script.name))
        }
        failure => failure,
    };
    let outcome = if failure.is_some() { "failed" } else { "passed" };
    if failure.is_some() {
        say(ran.output.trim_end());
    }
    let seconds = ran.took.as_secs_f64();
    say(&format!("{name:<7} {:<12} {outcome} in {seconds:.1} s", script.name));
    Ok(failure.map(|why| format!("{why}; its output is in {}", script.log.display())))
}
