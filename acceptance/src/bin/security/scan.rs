//! Lists what a port with TLS offers, as a scanner such as testssl sees it: OpenSSL's own client tries
//! each version, each cipher suite and more. What a scanner would flag is a failure.
//!
//! Owns the list and what is right. Scans both ports.

mod attempt;
mod ciphers;
mod finding;
mod plaintext;

use anyhow::{Context, Result};
use millpond_acceptance::report::say;
use tokio::runtime::Runtime;

use crate::connection::HOST;
use crate::scene::{Scene, text};
use attempt::{Attempt, Port};
use finding::Finding;
use millpond_acceptance::authority::Authority;
use millpond_acceptance::mount::{Mount, Swap};

/// The gRPC port and the admin port, both with a certificate and without callers' certificates.
const CONFIGURATION: &str = r#"
[rpc.tls]
certificate = "/tls/tls.crt"
key = "/tls/tls.key"

[admin]
probe_listen = "127.0.0.1:0"

[admin.tls]
certificate = "/tls/tls.crt"
key = "/tls/tls.key"
"#;

/// Versions from before TLS 1.2 need weak settings on the client's side too, to be tried at all.
const WEAK: &str = "DEFAULT:@SECLEVEL=0";

/// A line for each finding that a scanner would flag.
pub(crate) fn run() -> Result<Vec<String>> {
    let scene = Runtime::new()?.block_on(Scene::new())?;
    let authority = Authority::new("shop")?;
    let credential = authority.issue(&[HOST])?;
    let files = [("tls.crt", &*credential.certificate), ("tls.key", &*credential.key)];
    Mount::new(scene.mount("tls"), Swap::Files)?.put(&files)?;
    let ca = text(&scene.write("ca.crt", &authority.pem())?);
    let mut served = scene.serve(CONFIGURATION, &[], "security-scan.log")?;
    let ports = [("rpc", served.rpc(), "h2"), ("admin", served.admin(), "http/1.1")];
    let mut failures = Vec::new();
    for (name, address, protocol) in ports {
        let port = Port { address: address.to_owned(), ca: ca.clone(), protocol };
        for finding in scan(&port)? {
            let mark = if finding.is_right { "ok  " } else { "FLAG" };
            say(&format!("{name:<6} {mark} {:<42} {}", finding.what, finding.found));
            if !finding.is_right {
                failures.push(format!("{name}: {}: {}", finding.what, finding.found));
            }
        }
    }
    served.stop()?.context("it had to be killed")?;
    Ok(failures)
}

fn scan(port: &Port) -> Result<Vec<Finding>> {
    let lists = [
        versions(port)?,
        ciphers::findings(port)?,
        application_protocols(port)?,
        handshake(port)?,
        vec![renegotiation(port)?, plaintext::finding(port)?],
    ];
    Ok(lists.into_iter().flatten().collect())
}

fn versions(port: &Port) -> Result<Vec<Finding>> {
    let wanted = [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)];
    let mut findings = Vec::new();
    for (version, is_wanted) in wanted {
        let attempt = Attempt::make(port, &[version, "-cipher", WEAK])?;
        let found = attempt.outcome();
        findings.push(Finding::new(
            &format!("version {}", version.trim_start_matches('-')),
            found,
            attempt.is_connected() == is_wanted,
        ));
    }
    Ok(findings)
}

fn application_protocols(port: &Port) -> Result<Vec<Finding>> {
    let right = Attempt::make(port, &["-alpn", port.protocol])?;
    let agreed = right.value("ALPN protocol:").unwrap_or_default();
    let other = Attempt::make(port, &["-alpn", "no-such-protocol"])?;
    Ok(vec![
        Finding::new("ALPN", agreed.clone(), agreed == port.protocol),
        Finding::new("ALPN of another protocol", other.outcome(), !other.is_connected()),
    ])
}

/// What one good handshake by each version shows.
fn handshake(port: &Port) -> Result<Vec<Finding>> {
    let (old, new) = (Attempt::make(port, &["-tls1_2"])?, Attempt::make(port, &["-tls1_3"])?);
    let value = |attempt: &Attempt, name| attempt.value(name).unwrap_or_default();
    let is = |what: &str, found: String, right: &dyn Fn(&str) -> bool| {
        Finding::new(what, found.clone(), right(&found))
    };
    let has_little = |found: &str| found.is_empty() || found == "0";
    Ok(vec![
        is("certificate", value(&new, "Verify return code:"), &|found| found.starts_with("0 ")),
        is("signature", value(&new, "Peer signing digest:"), &|found| found.starts_with("SHA")),
        is("key exchange, TLS 1.2", value(&old, "Server Temp Key:"), &is_strong_exchange),
        is("key exchange, TLS 1.3", value(&new, "Server Temp Key:"), &is_strong_exchange),
        is("compression", value(&old, "Compression:"), &|found| found == "NONE"),
        is("extended master secret", value(&old, "Extended master secret:"), &|found| {
            found == "yes"
        }),
        is("early data", value(&new, "Max Early Data:"), &has_little),
        is("heartbeat", old.heartbeat(), &|found| found == "not offered"),
    ])
}

fn is_strong_exchange(found: &str) -> bool {
    ["X25519", "ECDH, prime256v1", "ECDH, secp384r1"].iter().any(|good| found.starts_with(good))
}

/// A client that asks for a new handshake on an old connection, which costs the service and nobody
/// needs.
fn renegotiation(port: &Port) -> Result<Finding> {
    let attempt = Attempt::make_with_input(port, &["-tls1_2"], "R\n")?;
    let is_refused = attempt.is_renegotiation_refused();
    let found = if is_refused { "refused" } else { "accepted" };
    Ok(Finding::new("renegotiation by the client", found, is_refused))
}
