//! OpenSSL's own program.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What `openssl ARGUMENTS` prints, both outputs together. Its status is not looked at: a client whose
/// connection was refused ends with 1.
pub(crate) fn output(arguments: &[&str], input: Stdio) -> Result<String> {
    let output = Command::new("openssl").args(arguments).stdin(input).output();
    let output = output.context("openssl could not be run: install it")?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A new RSA key, in PEM: no crate of ours makes one.
pub(crate) fn rsa_key() -> Result<Vec<u8>> {
    let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let output = Command::new("openssl").args(arguments).output();
    let output = output.context("openssl could not be run: install it")?;
    ensure!(output.status.success(), "openssl made no key: {}", output.status);
    Ok(output.stdout)
}
