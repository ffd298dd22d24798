//! The settings of TLS and SASL under `kafka.properties`: what this build cannot do, and files that
//! cannot be read. All else is librdkafka's to check.
//!
//! No value is shown: a secret may stand in the wrong place.

use std::collections::BTreeMap;

use super::report::Report;
use crate::small_file;

type Properties = BTreeMap<String, String>;

/// The mechanisms of SASL that are compiled in and need nothing else.
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const TOKENS: &str = "OAUTHBEARER";
/// Both names of the one setting.
const MECHANISM: [&str; 2] = ["sasl.mechanism", "sasl.mechanisms"];
const UNSECURE_TOKENS: &str = "enable.sasl.oauthbearer.unsecure.jwt";
/// Settings whose value is the path of a file, or of a folder.
const FILES: [&str; 5] = [
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.crl.location",
    "ssl.key.location",
    "ssl.keystore.location",
];
/// A value of `ssl.ca.location` that is no path: look in the usual places.
const PROBE: &str = "probe";

/// Checks the settings at `path`.
pub(super) fn check(path: &str, properties: &Properties, report: &mut Report) {
    let protocol = properties.get("security.protocol").map(|value| value.to_ascii_uppercase());
    let protocol = protocol.unwrap_or_default();
    if protocol.starts_with("SASL_") {
        check_mechanism(path, properties, report);
    }
    if protocol.ends_with("SSL") {
        check_files(path, properties, report);
    }
}

fn check_mechanism(path: &str, properties: &Properties, report: &mut Report) {
    let found = MECHANISM.iter().find_map(|name| Some((*name, properties.get(*name)?)));
    let cure = format!("write one of {}", MECHANISMS.join(", "));
    let Some((name, mechanism)) = found else {
        let wrong =
            "missing: librdkafka's default is GSSAPI (Kerberos), which is not in this build";
        return report.fault(&format!("{path}.{}", MECHANISM[0]), wrong, cure);
    };
    let key = format!("{path}.{name}");
    let is_unsecure = properties.get(UNSECURE_TOKENS).is_some_and(|value| value == "true");
    match mechanism.as_str() {
        known if MECHANISMS.contains(&known) => {}
        TOKENS if is_unsecure && !has_token_method(properties) => {}
        TOKENS => {
            let wrong = "OAUTHBEARER needs tokens, and this build cannot fetch any: it has no OIDC";
            report.fault(&key, wrong, format!("{cure}, or use a client certificate"));
        }
        "GSSAPI" => report.fault(&key, "GSSAPI (Kerberos) is not in this build", cure),
        _ => report.fault(&key, "not a mechanism of this build, in capitals", cure),
    }
}

/// Whether tokens are to be fetched from a server.
fn has_token_method(properties: &Properties) -> bool {
    properties.get("sasl.oauthbearer.method").is_some_and(|method| method != "default")
}

fn check_files(path: &str, properties: &Properties, report: &mut Report) {
    for name in FILES {
        let Some(file) = properties.get(name).filter(|file| *file != PROBE) else { continue };
        let Some((wrong, cure)) = small_file::unreadable(file) else { continue };
        report.fault(&format!("{path}.{name}"), wrong, cure);
    }
}

/// Whether the value of a setting is the path of a file or of a folder.
pub(super) fn is_file(name: &str) -> bool {
    FILES.contains(&name)
}
