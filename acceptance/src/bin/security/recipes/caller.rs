//! The programs that look up a key: those of `acceptance/clients/`, and `millpond get`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use millpond_acceptance::cargo;
use millpond_acceptance::language;
use millpond_acceptance::report::say;
use millpond_acceptance::status_code;
use serde_json::Value;

use super::case::Case;
use crate::connection::HOST;
use crate::scene::key;

const COMMAND_LINE: &str = "millpond";
/// Its exit code if it has no connection.
const UNREACHABLE: i32 = 69;
/// A program that looks up a key.
pub(super) enum Caller {
    Language { name: &'static str, program: PathBuf },
    CommandLine(PathBuf),
}

/// The callers whose toolchain is there, built.
pub(super) fn all(only: &[String]) -> Result<Vec<Caller>> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut callers = Vec::new();
    for language in language::ALL.into_iter().filter(|language| is_wanted(language.name)) {
        let missing = language.missing();
        if missing.is_empty() {
            callers.push(Caller::Language { name: language.name, program: language.build()? });
        } else {
            say(&format!("{:<9} SKIPPED, there is no {}", language.name, missing.join(", ")));
        }
    }
    if is_wanted(COMMAND_LINE) {
        callers.push(Caller::CommandLine(cargo::millpond()?));
    }
    Ok(callers)
}

impl Caller {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Language { name, .. } => name,
            Self::CommandLine(_) => COMMAND_LINE,
        }
    }

    /// Makes the lookup of `case`. Returns the name of its status, and the message.
    pub(super) fn look_up(&self, port: &str, case: &Case) -> Result<String> {
        match self {
            Self::Language { program, .. } => look_up_by_language(program, port, case),
            Self::CommandLine(program) => look_up_by_command_line(program, port, case),
        }
    }
}

fn look_up_by_language(program: &PathBuf, port: &str, case: &Case) -> Result<String> {
    let mut command = Command::new(program);
    command.args(["lookup", &format!("{HOST}:{port}"), case.table, &key(1)]);
    case.files.give(&mut command);
    let output = command.output().context("a caller could not be run")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let status = text.lines().find_map(|line| line.strip_prefix("status: "));
    match status {
        Some(status) if output.status.success() => Ok(status.to_owned()),
        _ => Ok(format!("{} {}", text.trim(), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn look_up_by_command_line(program: &PathBuf, port: &str, case: &Case) -> Result<String> {
    let mut command = Command::new(program);
    command.args(["get", case.table, &key(1), "--output", "json"]);
    command.args(["--endpoint", &format!("https://{HOST}:{port}")]);
    case.files.give(&mut command);
    let output = command.output().context("millpond could not be run")?;
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return Ok(if text.contains("\"entry\"") { "OK" } else { "there is no entry" }.to_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    // A refused certificate may show after the handshake only, as whatever the call then came to.
    let is_unreachable = output.status.code() == Some(UNREACHABLE);
    let status = status_name(&why).filter(|_| !is_unreachable).unwrap_or("UNAVAILABLE");
    Ok(format!("{status} {}", why.trim()))
}

/// The status in an error that is the JSON of a `google.rpc.Status`. None where there was no call.
fn status_name(error: &str) -> Option<&'static str> {
    let (before, _) = error.split_once('{')?;
    let status = error.get(before.len()..)?;
    let status = serde_json::Deserializer::from_str(status).into_iter::<Value>().next()?.ok()?;
    let code = usize::try_from(status.get("code")?.as_u64()?).ok()?;
    status_code::name(code)
}
