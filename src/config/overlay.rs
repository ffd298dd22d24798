//! The layers above the file: environment variables and `--set`.
//!
//! Both name a key by its path and differ only in how they write it:
//! `MILLPOND_TABLES__0__TTL=1h` is `--set tables.0.ttl=1h`. Whether the key exists is checked
//! later, for all layers at once.

use super::fault::{Fault, Place};
use super::tree::{Change, DOTTED};

const PREFIX: &str = "MILLPOND_";
/// Two underscores separate section and key, because names contain single ones.
const SEPARATOR: &str = "__";
/// Not configuration: how client verbs reach a service, and variables that control the tests.
const RESERVED: [&str; 7] = [
    "MILLPOND_ENDPOINT",
    "MILLPOND_CA",
    "MILLPOND_CERTIFICATE",
    "MILLPOND_KEY",
    "MILLPOND_TOKEN_FILE",
    "MILLPOND_REQUIRE_ALL",
    "MILLPOND_BLESS",
];
const RESERVED_PREFIX: &str = "MILLPOND_TEST_";

/// The change that an environment variable makes; none if it is not for millpond.
pub(super) fn from_environment(name: &str, value: String) -> Option<Result<Change, Fault>> {
    let key = name.strip_prefix(PREFIX)?;
    if RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX) {
        return None;
    }
    if !key.contains(SEPARATOR) {
        return (!is_service_link(key, &value)).then(|| Err(not_a_key(name)));
    }
    let key = key.to_lowercase();
    let mut path: Vec<_> = key.split(SEPARATOR).map(str::to_owned).collect();
    if let Some(setting) = dotted_name(&mut path) {
        *setting = setting.replace('_', ".");
    }
    Some(Ok(Change { path, text: value, place: Place::Environment(name.into()) }))
}

/// The change that a `--set KEY=VALUE` makes.
pub(super) fn from_setting(setting: &str) -> Result<Change, Fault> {
    let Some((key, value)) = setting.split_once('=') else {
        return Err(Fault {
            key: String::new(),
            place: Place::Flag(leading_key(setting).into()),
            wrong: "there is no = in it, and so no value".into(),
            cure: "write KEY=VALUE, such as --set memory.limit=512MiB".into(),
        });
    };
    let key = key.trim();
    let mut path = key.split('.').map(str::to_owned).collect();
    dotted_name(&mut path);
    Ok(Change { path, text: value.into(), place: Place::Flag(key.into()) })
}

/// Joins the path below a section of librdkafka's settings to one dotted name, and returns that name.
fn dotted_name(path: &mut Vec<String>) -> Option<&mut String> {
    let section = DOTTED.iter().find(|section| path.starts_with(&section.map(str::to_owned)))?;
    if path.len() == section.len() {
        return None;
    }
    let setting = path.split_off(section.len()).join(".");
    path.push(setting);
    path.last_mut()
}

/// Kubernetes sets variables for every Service of the namespace in every container. Those of
/// a Service called millpond or millpond-something look like ours.
fn is_service_link(key: &str, value: &str) -> bool {
    const SCHEMES: [&str; 3] = ["tcp://", "udp://", "sctp://"];
    const PARTS: [&str; 5] = ["_TCP_", "_UDP_", "_SCTP_", "_SERVICE_HOST", "_SERVICE_PORT"];
    let key = format!("_{key}");
    SCHEMES.iter().any(|scheme| value.starts_with(scheme))
        || PARTS.iter().any(|part| key.contains(part))
}

fn not_a_key(name: &str) -> Fault {
    Fault {
        key: String::new(),
        place: Place::Environment(name.into()),
        wrong: "this names no key of the configuration".into(),
        cure: "write two underscores between section and key, as in MILLPOND_KAFKA__BROKERS".into(),
    }
}

/// The beginning of a text that can be a key. The rest is not shown: it may be a secret.
fn leading_key(text: &str) -> &str {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.split(|c| !is_key(c)).next().unwrap_or_default()
}
