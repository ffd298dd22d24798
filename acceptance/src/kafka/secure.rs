//! A node with listeners that speak TLS and SASL, each with something that a client can get wrong.
//!
//! Owns the certificates, which Java's `keytool` makes, and the passwords. Knows nothing of the
//! tests that use them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::distribution::Distribution;
use super::node::{KafkaNode, Listener};

/// The password of the key stores.
const STORE_PASSWORD: &str = "store-password";
const PLAIN_LOGIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM_LOGIN: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

/// Who connects without SASL is anonymous.
const AUTHORIZER: &str = "
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:reader
";

/// A running node with these listeners, all on `localhost`:
///
/// | name | what a client needs |
/// |---|---|
/// | `PLAINTEXT` | nothing |
/// | `TLS` | TLS, and [`Self::ca`] |
/// | `MUTUAL` | a certificate of its own, which none has |
/// | `EXPIRED` | TLS; the certificate has expired |
/// | `STRANGER` | TLS; the certificate is for another host |
/// | `SASL` | SASL PLAIN with [`Self::USER`] or [`Self::STRANGER`], and [`Self::PASSWORD`] |
/// | `SCRAM` | SASL SCRAM-SHA-256; there is no user |
/// | `SASLTLS` | both TLS and SASL PLAIN |
///
/// The stranger may do nothing. Everybody else may do everything.
pub struct SecureKafka {
    node: KafkaNode,
    certificates: TempDir,
}

impl SecureKafka {
    /// The user of the listeners with SASL PLAIN.
    pub const USER: &'static str = "reader";
    /// A user of these listeners without any permission.
    pub const STRANGER: &'static str = "stranger";
    /// The password of both users.
    pub const PASSWORD: &'static str = "the-right-password";

    pub(super) fn start(distribution: &'static Distribution) -> Result<Self> {
        let certificates = tempfile::tempdir()?;
        let store = |name: &str, host: &str, dates: &[&str]| {
            create_certificate(distribution, certificates.path(), name, host, dates)
        };
        let valid = ["-validity", "3650"];
        let right = store("right", "localhost", &valid)?;
        let stranger = store("stranger", "other.example", &valid)?;
        let expired = store("expired", "localhost", &["-startdate", "-10d", "-validity", "5"])?;
        let listeners = vec![
            listener("TLS", "SSL", &[tls(&right)]),
            listener("MUTUAL", "SSL", &[tls(&right), client_certificate(&right)]),
            listener("EXPIRED", "SSL", &[tls(&expired)]),
            listener("STRANGER", "SSL", &[tls(&stranger)]),
            listener("SASL", "SASL_PLAINTEXT", &[plain()]),
            listener("SCRAM", "SASL_PLAINTEXT", &[scram()]),
            listener("SASLTLS", "SASL_SSL", &[tls(&right), plain()]),
        ];
        Ok(Self { node: KafkaNode::start_with(distribution, listeners, AUTHORIZER)?, certificates })
    }

    /// Where clients of a listener connect: `host:port`.
    ///
    /// # Panics
    /// If there is no such listener.
    pub fn address(&self, listener: &str) -> String {
        match self.node.address_of(listener) {
            Some(address) => address,
            None if listener == "PLAINTEXT" => self.node.bootstrap().to_owned(),
            None => panic!("there is no listener {listener}"),
        }
    }

    /// The file with the certificate to trust. `name` is `right`, `stranger` or `expired`.
    pub fn ca(&self, name: &str) -> PathBuf {
        self.certificates.path().join(name).with_extension("pem")
    }
}

type Settings = Vec<(String, String)>;

fn listener(name: &'static str, protocol: &'static str, settings: &[Settings]) -> Listener {
    Listener { name, protocol, settings: settings.concat(), port: 0 }
}

fn settings<const N: usize>(all: [(&str, &str); N]) -> Settings {
    all.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn tls(store: &Path) -> Settings {
    settings([
        ("ssl.keystore.location", &store.to_string_lossy()),
        ("ssl.keystore.password", STORE_PASSWORD),
        ("ssl.key.password", STORE_PASSWORD),
    ])
}

fn client_certificate(trusted: &Path) -> Settings {
    settings([
        ("ssl.client.auth", "required"),
        ("ssl.truststore.location", &trusted.to_string_lossy()),
        ("ssl.truststore.password", STORE_PASSWORD),
    ])
}

fn plain() -> Settings {
    let (password, users) = (SecureKafka::PASSWORD, [SecureKafka::USER, SecureKafka::STRANGER]);
    let [user, stranger] = users.map(|user| format!("user_{user}=\"{password}\""));
    let login = format!("{PLAIN_LOGIN} required {user} {stranger};");
    settings([("sasl.enabled.mechanisms", "PLAIN"), ("plain.sasl.jaas.config", &login)])
}

fn scram() -> Settings {
    let login = format!("{SCRAM_LOGIN} required;");
    settings([
        ("sasl.enabled.mechanisms", "SCRAM-SHA-256"),
        ("scram-sha-256.sasl.jaas.config", &login),
    ])
}

/// Creates a key and its certificate, signed by itself. Returns the key store; the certificate alone
/// is beside it.
fn create_certificate(
    distribution: &Distribution,
    folder: &Path,
    name: &str,
    host: &str,
    dates: &[&str],
) -> Result<PathBuf> {
    let store = folder.join(name).with_extension("p12");
    let keytool = |arguments: &[&str]| {
        let mut command = Command::new(distribution.keytool());
        command.args(arguments).args(["-alias", "broker", "-storepass", STORE_PASSWORD]);
        let output = command.arg("-keystore").arg(&store).output();
        let output = output.context("keytool could not be run")?;
        let why = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "keytool could not make a certificate: {why}");
        Ok(())
    };
    let (name, names) = (format!("CN={host}"), format!("san=dns:{host}"));
    let key = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-storetype", "PKCS12"];
    keytool(&[&key[..], &["-dname", &name, "-ext", &names, "-ext", "bc:c"], dates].concat())?;
    let file = store.with_extension("pem");
    keytool(&["-exportcert", "-rfc", "-file", &file.to_string_lossy()])?;
    Ok(store)
}
