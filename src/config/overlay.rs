//! Changes to a tree from outside the file: the environment and `--set`.
//!
//! Both name a key by its path, and that is all they differ in:
//! `MILLPOND_TABLES__0__TTL=1h` is `--set tables.0.ttl=1h`. Whether a path is one
//! that the schema has is found out later, with everything else.

use super::fault::{Fault, Place};
use super::tree::{Change, PROPERTIES};

const PREFIX: &str = "MILLPOND_";
/// Sections and keys are set apart by two underscores, since names contain single ones.
const SEPARATOR: &str = "__";
/// Not configuration: these steer the tests.
const RESERVED: [&str; 2] = ["MILLPOND_REQUIRE_ALL", "MILLPOND_BLESS"];
const RESERVED_PREFIX: &str = "MILLPOND_TEST_";

/// The change that an environment variable asks for; none if it is not for us.
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
    if let Some(setting) = beneath_properties(&mut path) {
        *setting = setting.replace('_', ".");
    }
    Some(Ok(Change { path, text: value, place: Place::Environment(name.into()) }))
}

/// The change that a `--set KEY=VALUE` asks for.
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
    beneath_properties(&mut path);
    Ok(Change { path, text: value.into(), place: Place::Flag(key.into()) })
}

/// Joins what lies beneath `kafka.properties` to one dotted name, and gives that.
fn beneath_properties(path: &mut Vec<String>) -> Option<&mut String> {
    if !path.starts_with(&PROPERTIES.map(str::to_owned)) || path.len() == PROPERTIES.len() {
        return None;
    }
    let setting = path.split_off(PROPERTIES.len()).join(".");
    path.push(setting);
    path.last_mut()
}

/// Kubernetes describes every Service of a namespace to every container, so a
/// Service called millpond or millpond-something gives variables that look like ours.
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

/// As much of a text as can be a key: what follows may be a secret.
fn leading_key(text: &str) -> &str {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.split(|c| !is_key(c)).next().unwrap_or_default()
}
