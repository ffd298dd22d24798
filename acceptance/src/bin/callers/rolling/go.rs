//! The Go caller, which goes over both services in turn by the published service configuration.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use millpond_acceptance::process::OwnedProcess;
use millpond_acceptance::report::say;

const SERVICE_CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../clients/service-config.json");

pub(super) struct GoCaller(OwnedProcess);

impl GoCaller {
    pub(super) fn start(
        program: &Path,
        addresses: &[String],
        table: &str,
        key: &str,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("rolling").args(addresses).args([table, key, SERVICE_CONFIG]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self(OwnedProcess::start(&mut command)?))
    }

    /// Ends it. A line for each kind of failure.
    pub(super) fn stop(mut self) -> anyhow::Result<Vec<String>> {
        let process: &mut Child = &mut self.0;
        drop(process.stdin.take());
        let mut output = process.stdout.take().context("no stdout")?;
        let text = std::io::read_to_string(&mut output)?;
        let status = process.wait()?;
        say(&format!("grpc-go       {}", text.lines().next().unwrap_or_default()));
        let told = text.lines().filter_map(|line| line.strip_prefix("FAILED  "));
        let failures: Vec<_> = told.map(|failure| format!("grpc-go: {failure}")).collect();
        if failures.is_empty() && !status.success() {
            bail!("the Go caller ended with {status}");
        }
        Ok(failures)
    }
}
