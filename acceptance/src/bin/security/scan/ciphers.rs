//! Which of all cipher suites that OpenSSL knows the service accepts. Right are those with forward
//! secrecy and authenticated encryption of at least 128 bits.

use std::process::Stdio;

use anyhow::{Result, ensure};

use super::attempt::{Attempt, Port};
use super::finding::Finding;
use crate::openssl;

const ALL: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
const ALL_OF_1_3: &str = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:\
                          TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";

pub(super) fn findings(port: &Port) -> Result<Vec<Finding>> {
    let known = openssl::output(&["ciphers", "-tls1_2", ALL], Stdio::null())?;
    let known: Vec<_> = known.trim().split(':').filter(|name| !name.starts_with("TLS_")).collect();
    ensure!(known.len() > 50, "openssl knows few cipher suites: {known:?}");
    let mut findings = Vec::new();
    for name in &known {
        let arguments = ["-tls1_2", "-cipher", &format!("{name}:@SECLEVEL=0")];
        findings.extend(accepted(port, name, &arguments)?);
    }
    for name in ALL_OF_1_3.split(':') {
        findings.extend(accepted(port, name, &["-tls1_3", "-ciphersuites", name])?);
    }
    let tried = known.len() + ALL_OF_1_3.split(':').count();
    let refused = tried - findings.len();
    findings.push(Finding::new("cipher suites refused", format!("{refused} of {tried}"), true));
    Ok(findings)
}

/// None if the service refuses it.
fn accepted(port: &Port, name: &str, arguments: &[&str]) -> Result<Option<Finding>> {
    let is_accepted = Attempt::make(port, arguments)?.is_connected();
    Ok(is_accepted.then(|| Finding::new("cipher suite", name, is_good(name))))
}

fn is_good(name: &str) -> bool {
    let is_forward_secret = name.starts_with("ECDHE-") || name.starts_with("TLS_");
    let is_authenticated = name.contains("GCM") || name.contains("CHACHA20");
    is_forward_secret && is_authenticated
}
