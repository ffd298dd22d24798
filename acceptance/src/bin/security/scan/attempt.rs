//! One connection by `openssl s_client`, and what it printed.

use std::io::Write;
use std::process::Stdio;

use anyhow::Result;

use crate::connection::HOST;
use crate::openssl;

/// A port to connect to.
pub(super) struct Port {
    pub(super) address: String,
    /// The file with the authority of its certificate.
    pub(super) ca: String,
    /// What it speaks inside TLS.
    pub(super) protocol: &'static str,
}

pub(super) struct Attempt {
    text: String,
}

impl Attempt {
    pub(super) fn make(port: &Port, arguments: &[&str]) -> Result<Self> {
        Self::run(port, arguments, Stdio::null())
    }

    /// The same with commands for the client, such as `R` for another handshake.
    pub(super) fn make_with_input(port: &Port, arguments: &[&str], input: &str) -> Result<Self> {
        let (reader, mut writer) = std::io::pipe()?;
        writer.write_all(input.as_bytes())?;
        drop(writer);
        Self::run(port, arguments, reader.into())
    }

    fn run(port: &Port, arguments: &[&str], input: Stdio) -> Result<Self> {
        let fixed =
            ["s_client", "-connect", &port.address, "-servername", HOST, "-CAfile", &port.ca];
        let text = openssl::output(&[&fixed, arguments].concat(), input)?;
        Ok(Self { text })
    }

    /// Whether the handshake succeeded: a cipher suite alone may have been agreed on before an alert.
    pub(super) fn is_connected(&self) -> bool {
        let has_certificate = !self.text.contains("no peer certificate available");
        has_certificate
            && self
                .text
                .lines()
                .any(|line| line.starts_with("New, TLSv1") && !line.contains("(NONE)"))
    }

    /// The cipher suite, or the alert with which the service refused.
    pub(super) fn outcome(&self) -> String {
        if self.is_connected() {
            return format!("offered, {}", self.value("New, ").unwrap_or_default());
        }
        let alert = self.text.lines().find_map(|line| line.split_once(":tlsv1 alert "));
        let alert = alert.or_else(|| self.text.lines().find_map(|line| line.split_once("alert ")));
        let why = alert.and_then(|(_, rest)| rest.split(':').next()).unwrap_or("no answer");
        format!("refused, {why}")
    }

    /// The rest of the first line with `name` in it.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let rest = self.text.lines().find_map(|line| line.trim().strip_prefix(name))?;
        Some(rest.trim().to_owned())
    }

    pub(super) fn heartbeat(&self) -> String {
        let is_offered = self.text.to_lowercase().contains("heartbeat");
        if is_offered { "offered" } else { "not offered" }.to_owned()
    }

    pub(super) fn is_renegotiation_refused(&self) -> bool {
        let Some((_, after)) = self.text.split_once("RENEGOTIATING") else { return false };
        after.contains("no renegotiation") || after.contains("error:")
    }
}
