//! What `millpond check` prints: the limits for callers, and the lines of the budget for them.

use std::fmt;

use anyhow::{Context as _, ensure};

use crate::args::ServiceArgs;
use crate::scene::{self, Scene};
use millpond_acceptance::cargo;

/// The begin of the lines of the budget that are about callers.
const OF_CALLERS: &str = "rpc ";

/// The worst case, as it is computed.
#[derive(Debug)]
pub(super) struct Computed {
    text: String,
}

impl Computed {
    /// Asks `millpond check`, inside the container of the service.
    pub(super) fn by_check(scene: &Scene, args: &ServiceArgs) -> anyhow::Result<Self> {
        let mut command = scene.container.command(cargo::millpond()?);
        command.arg("check");
        for setting in scene::settings("localhost:9092", "any", args) {
            command.args(["--set", &setting]);
        }
        let output = command.output()?;
        let why = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "millpond check: {}: {why}", output.status);
        let computed = Self { text: String::from_utf8(output.stdout)? };
        ensure!(computed.bytes() > 0, "the budget has no line about callers");
        Ok(computed)
    }

    pub(super) fn connections(&self) -> anyhow::Result<u16> {
        self.setting("max_connections")
    }

    pub(super) fn streams(&self) -> anyhow::Result<u16> {
        self.setting("max_streams")
    }

    /// The memory for callers, over all lines.
    pub(super) fn bytes(&self) -> u64 {
        self.lines().map(|(bytes, _)| bytes).sum()
    }

    /// The value of a setting of the section `rpc`: where it is written, or what it is as `auto`.
    fn setting(&self, name: &str) -> anyhow::Result<u16> {
        let section = self.text.lines().skip_while(|line| *line != "[rpc]").skip(1);
        let mut written = section.take_while(|line| !line.starts_with('['));
        let auto = format!("# - rpc.{name} = ");
        let value =
            |line: &str| line.strip_prefix(name)?.trim().strip_prefix('=')?.trim().parse().ok();
        let fitted = |line: &str| line.strip_prefix(&auto)?.parse().ok();
        let value = written.find_map(value).or_else(|| self.text.lines().find_map(fitted));
        value.with_context(|| format!("millpond check does not say what rpc.{name} is"))
    }

    /// The bytes and the purpose of each line, as in `#    - 8.0 MiB  rpc byte pool (rpc.pool)`.
    fn lines(&self) -> impl Iterator<Item = (u64, &str)> {
        self.text.lines().filter_map(|line| {
            let (amount, purpose) =
                line.strip_prefix('#')?.trim().strip_prefix('-')?.split_once("  ")?;
            let mib: f64 = amount.trim().strip_suffix("MiB")?.trim().parse().ok()?;
            let purpose = purpose.trim();
            purpose.starts_with(OF_CALLERS).then_some((bytes(mib), purpose))
        })
    }
}

impl fmt::Display for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purposes: Vec<_> = self.lines().map(|(_, purpose)| purpose).collect();
        write!(f, "{}", purposes.join(", "))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive size of a few MiB"
)]
fn bytes(mib: f64) -> u64 {
    (mib * f64::from(1 << 20)) as u64
}
