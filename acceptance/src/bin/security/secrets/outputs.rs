//! Everything that millpond can print, from the commands of one run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use millpond_acceptance::cargo;
use millpond_acceptance::served::Served;

use super::planted::Planted;
use crate::connection::HOST;
use crate::scene::text;

/// How long a service with a wrong password goes on trying before its log is read.
const REFUSED_FOR: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// What one command printed, both outputs together.
pub(super) struct Output {
    pub(super) what: String,
    pub(super) text: String,
    /// A text that shows that the command did what it should.
    wanted: &'static str,
}

impl Output {
    /// The text that should be there and is not.
    pub(super) fn missing(&self) -> Option<&'static str> {
        (!self.text.contains(self.wanted)).then_some(self.wanted)
    }
}

pub(super) fn collect(planted: &Planted) -> Result<Vec<Output>> {
    let right = planted.configuration("millpond.toml", "password", "")?;
    let wrong = planted.configuration("wrong.toml", "wrong-password", "")?;
    let mut outputs = serve_and_call(planted, &right)?;
    outputs.push(serve_in_vain(&wrong)?);
    for (what, file) in [("the right password", &right), ("a wrong password", &wrong)] {
        let config = text(file);
        outputs.push(run(&format!("check, {what}"), &["check", "--config", &config], "Digest")?);
        for output in ["text", "json"] {
            let arguments = ["check", "--config", &config, "--connect", "--output", output];
            outputs.push(run(&format!("check --connect, {what}, {output}"), &arguments, "")?);
        }
    }
    outputs.extend(faults(planted)?);
    Ok(outputs)
}

/// The whole life of a service: its log, and what it tells callers.
fn serve_and_call(planted: &Planted, config: &Path) -> Result<Vec<Output>> {
    let mut served = Served::start_configured(config, &[], "security-secrets.log")?;
    let endpoint = format!("https://{HOST}:{}", port(served.rpc())?);
    let mut outputs = Vec::new();
    for (token, wanted) in
        [("operator", ""), ("wrong", "Unauthenticated"), ("jwt", ""), ("forged", "Unauthenticated")]
    {
        for verb in [&["stats"][..], &["get", "services", "a"], &["rejections"]] {
            for output in ["text", "json"] {
                let what = format!("{}, {token} token, {output}", verb.join(" "));
                let mut command = client(planted, &endpoint, token)?;
                command.args(verb).args(["--output", output]);
                let wanted = if output == "json" { "" } else { wanted };
                outputs.push(output_of(what, &mut command, wanted)?);
            }
        }
    }
    for path in ["/readyz", "/livez", "/metrics"] {
        let mut command = Command::new("curl");
        command.args(["--silent", &format!("http://{}{path}", served.admin())]);
        outputs.push(output_of(format!("admin {path}"), &mut command, "")?);
    }
    let log = served.log().to_owned();
    served.stop()?.context("it had to be killed")?;
    outputs.push(log_of("log at debug", &log)?);
    Ok(outputs)
}

/// Kafka refuses its password, and the log says so.
fn serve_in_vain(config: &Path) -> Result<Output> {
    let mut served = Served::start_configured(config, &[], "security-secrets-wrong.log")?;
    let start = Instant::now();
    while start.elapsed() < REFUSED_FOR && served.ended()?.is_none() {
        std::thread::park_timeout(LOOK);
    }
    let log = served.log().to_owned();
    served.stop()?.context("it had to be killed")?;
    log_of("log at debug, a wrong password", &log)
}

/// Configurations that are wrong close to their secrets.
fn faults(planted: &Planted) -> Result<Vec<Output>> {
    let right = text(&planted.configuration("millpond.toml", "password", "")?);
    let secret = &planted.wrong_password;
    let tokens = text(&planted.file("raw-tokens"));
    let key = text(&planted.file("token"));
    let settings = [
        ("a token where a hash belongs", format!("rpc.tokens.file={tokens}")),
        ("a token where a key belongs", format!("rpc.tls.key={key}")),
        ("a property with a typing error", format!("kafka.properties.sasl.pasword={secret}")),
        ("a property of another kind", format!("kafka.properties.ssl.key.pem={secret}")),
    ];
    let mut outputs = Vec::new();
    for (what, setting) in &settings {
        let arguments = ["check", "--config", &right, "--set", setting];
        outputs.push(run(&format!("fault: {what}"), &arguments, "")?);
    }
    Ok(outputs)
}

fn client(planted: &Planted, endpoint: &str, token: &str) -> Result<Command> {
    let mut command = Command::new(cargo::millpond()?);
    command
        .env("MILLPOND_ENDPOINT", endpoint)
        .env("MILLPOND_CA", planted.file("ca.crt"))
        .env("MILLPOND_TOKEN_FILE", planted.file(&format!("{token}.token")));
    Ok(command)
}

fn run(what: &str, arguments: &[&str], wanted: &'static str) -> Result<Output> {
    output_of(what.to_owned(), Command::new(cargo::millpond()?).args(arguments), wanted)
}

fn output_of(what: String, command: &mut Command, wanted: &'static str) -> Result<Output> {
    let output = command.output().with_context(|| format!("{what} could not be run"))?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Output { what, text: String::from_utf8_lossy(&text).into_owned(), wanted })
}

fn log_of(what: &str, log: &Path) -> Result<Output> {
    Ok(Output { what: what.to_owned(), text: fs::read_to_string(log)?, wanted: "listening" })
}

fn port(address: &str) -> Result<&str> {
    address.rsplit_once(':').map(|(_, port)| port).context("an address without a port")
}
