//! Configurations with a secret wherever there can be one, and the secrets.

use std::path::PathBuf;

use anyhow::Result;
use millpond_acceptance::kafka::{self, SecureKafka};
use millpond_acceptance::report::say;
use tempfile::TempDir;

use crate::connection::HOST;
use crate::jwt::{Issuer, Publisher};
use crate::scene::text;
use millpond_acceptance::authority::Authority;
use millpond_acceptance::hex::hash;
use millpond_acceptance::mount::{Mount, Swap};

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";
const ISSUER: &str = "https://issuer.example";

/// Something that may be printed nowhere.
pub(super) struct Secret {
    pub(super) what: &'static str,
    pub(super) text: String,
}

/// The bearer tokens of callers.
pub(super) struct Tokens {
    pub(super) operator: String,
    /// Right but for its last character.
    pub(super) wrong: String,
    pub(super) jwt: String,
    /// Signed by another key.
    pub(super) forged: String,
}

pub(super) struct Planted {
    folder: TempDir,
    broker: Option<SecureKafka>,
    jwks_port: u16,
    server_key: String,
    kafka_certificate: String,
    kafka_key: String,
    millponds_token: String,
    pub(super) wrong_password: String,
    pub(super) raw_token: String,
    pub(super) tokens: Tokens,
}

impl Planted {
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (authority, issuer) = (Authority::new("shop")?, Issuer::new(ISSUER)?);
        let (server, client) = (authority.issue(&[HOST])?, authority.issue(&["kafka-client"])?);
        let millponds_token = unique("of-millpond-itself");
        let publisher =
            Publisher::start(&authority.issue(&[HOST])?, issuer.jwks(), &millponds_token)?;
        let tokens = Tokens {
            operator: unique("token-of-operator"),
            wrong: unique("token-of-nobody"),
            jwt: issuer.token("web", "millpond")?,
            forged: Issuer::new(ISSUER)?.token("web", "millpond")?,
        };
        let broker = kafka::require_secure("the search for secrets");
        if broker.is_none() {
            say("there is no broker with TLS and SASL: the run goes on without one");
        }
        let planted = Self {
            folder,
            broker,
            jwks_port: publisher.address.port(),
            server_key: server.key.clone(),
            kafka_certificate: client.certificate,
            kafka_key: client.key,
            millponds_token,
            wrong_password: unique("wrong-password"),
            raw_token: unique("token-where-a-hash-belongs"),
            tokens,
        };
        planted.put_files(&authority, &server.certificate)?;
        Ok(planted)
    }

    fn put_files(&self, authority: &Authority, certificate: &str) -> Result<()> {
        let hash = hash(&self.tokens.operator);
        Mount::new(self.folder.path().to_owned(), Swap::Files)?.put(&[
            ("tls.crt", certificate),
            ("tls.key", &self.server_key),
            ("ca.crt", &authority.pem()),
            ("tokens", &format!("operator {hash}\n")),
            ("raw-tokens", &format!("operator {}\n", self.raw_token)),
            ("token", &self.millponds_token),
            ("password", &format!("{}\n", SecureKafka::PASSWORD)),
            ("wrong-password", &format!("{}\n", self.wrong_password)),
            ("operator.token", &self.tokens.operator),
            ("wrong.token", &self.tokens.wrong),
            ("jwt.token", &self.tokens.jwt),
            ("forged.token", &self.tokens.forged),
        ])
    }

    /// The path of one of its files.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a configuration in which `password` names a file, and `more` is added in the end.
    pub(super) fn configuration(&self, name: &str, password: &str, more: &str) -> Result<PathBuf> {
        let folder = text(self.folder.path());
        let brokers = self.broker.as_ref().map_or(NOBODY.to_owned(), |one| one.address("SASLTLS"));
        let ca = self.broker.as_ref().map_or(self.file("ca.crt"), |one| one.ca("right"));
        let configuration = format!(
            include_str!("planted.toml"),
            brokers = brokers,
            ca = ca.display(),
            password = text(&self.file(password)),
            user = SecureKafka::USER,
            certificate = self.kafka_certificate,
            key = self.kafka_key,
            folder = folder,
            jwks_port = self.jwks_port,
            issuer = ISSUER,
        );
        let file = self.file(name);
        std::fs::write(&file, configuration + more)?;
        Ok(file)
    }

    /// All that no output may have.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let secret = |what, text: &str| Secret { what, text: text.to_owned() };
        vec![
            secret("Kafka's password", SecureKafka::PASSWORD),
            secret("a wrong password for Kafka", &self.wrong_password),
            secret("the key of Kafka's client certificate", key_line(&self.kafka_key)),
            secret("the key of the server's certificate", key_line(&self.server_key)),
            secret("the token for the JWKS", &self.millponds_token),
            secret("the operator's token", &self.tokens.operator),
            secret("a wrong token", &self.tokens.wrong),
            secret("a token in place of its hash", &self.raw_token),
            secret("a JWT", signature(&self.tokens.jwt)),
            secret("a forged JWT", signature(&self.tokens.forged)),
        ]
    }
}

fn unique(what: &str) -> String {
    format!("{:016x}-{what}", fastrand::u64(..))
}

/// The longest line of a key in PEM: any of its lines would give it away.
fn key_line(key: &str) -> &str {
    key.lines().max_by_key(|line| line.len()).unwrap_or(key)
}

fn signature(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(_, signature)| signature)
}
