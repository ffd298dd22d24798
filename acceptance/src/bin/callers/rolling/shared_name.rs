//! One name for both services, like that of a headless Service in Kubernetes. Only programs that are
//! started with it know the name.

use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

const NAME: &str = "millpond.test";
const HOSTS: [&str; 2] = ["127.0.0.1", "127.0.0.2"];
/// A namespace in which any user may mount.
const NAMESPACE: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];
/// Becomes the program, for which the names are those of the file alone: no name server is asked.
const SCRIPT: &str = r#"mount --bind "$0" /etc/hosts &&
    mount --bind /dev/null /etc/resolv.conf && exec "$@""#;

pub(super) struct SharedName {
    hosts: NamedTempFile,
    port: String,
}

impl SharedName {
    /// A name for these addresses, which have the same port.
    pub(super) fn new(addresses: &[String; 2]) -> Result<Self> {
        let mut hosts = NamedTempFile::new()?;
        writeln!(hosts, "127.0.0.1 localhost")?;
        for host in HOSTS {
            writeln!(hosts, "{host} {NAME}")?;
        }
        let (_, port) = addresses[0].split_once(':').context("an address without a port")?;
        Ok(Self { hosts, port: port.to_owned() })
    }

    /// `HOST:PORT`.
    pub(super) fn address(&self) -> String {
        format!("{NAME}:{}", self.port)
    }

    /// A command that runs a program, with its first arguments.
    pub(super) fn command(&self, program: &[OsString]) -> Command {
        let mut command = namespace();
        command.args(["sh", "-c", SCRIPT]).arg(self.hosts.path()).args(program);
        command
    }
}

/// What this machine lacks for it, if anything.
pub(super) fn missing() -> Option<&'static str> {
    let tried = namespace().args(["mount", "--bind", "/dev/null", "/etc/resolv.conf"]).output();
    let is_possible = tried.is_ok_and(|output| output.status.success());
    (!is_possible).then_some("way to mount another /etc/hosts for a program")
}

fn namespace() -> Command {
    let [program, arguments @ ..] = NAMESPACE;
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Two addresses with the same port, on which nobody listens.
pub(super) fn free_addresses() -> Result<[String; 2]> {
    // Below the ports of connections: one of those could take a port while its service restarts.
    let mut ports = std::iter::repeat_with(|| fastrand::u16(20_000..32_768)).take(100);
    let both = |port| HOSTS.map(|host| format!("{host}:{port}"));
    let is_free = |addresses: &[String; 2]| {
        addresses.iter().all(|address| TcpListener::bind(address).is_ok())
    };
    ports.by_ref().map(both).find(is_free).context("no port is free on both addresses")
}
