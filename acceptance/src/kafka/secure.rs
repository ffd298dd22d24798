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

const PLAIN_LOGIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM_LOGIN: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

/// Who connects without SASL is anonymous.
const AUTHORIZER: &str = "
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:reader;User:CN=client;User:CN=next-client
";

/// A running node with these listeners, all on `localhost`:
///
/// | name | what a client needs |
/// |---|---|
/// | `PLAINTEXT` | nothing |
/// | `TLS` | TLS, and [`Self::ca`] |
/// | `MUTUAL` | TLS and a certificate that is trusted: at first [`Self::key_store`] `client` |
/// | `EXPIRED` | TLS; the certificate has expired |
/// | `STRANGER` | TLS; the certificate is for another host |
/// | `SASL` | SASL PLAIN with [`Self::USER`] or [`Self::STRANGER`], and [`Self::PASSWORD`] |
/// | `SCRAM` | SASL SCRAM-SHA-256; there is no user |
/// | `SASLTLS` | both TLS and SASL PLAIN |
///
/// The stranger may do nothing. Everybody else may do everything.
pub struct SecureKafka {
    distribution: &'static Distribution,
    node: KafkaNode,
    certificates: TempDir,
    password: String,
}

impl SecureKafka {
    /// The user of the listeners with SASL PLAIN.
    pub const USER: &'static str = "reader";
    /// A user of these listeners without any permission.
    pub const STRANGER: &'static str = "stranger";
    /// The password of both users at first.
    pub const PASSWORD: &'static str = "the-right-password";
    /// The password of the key stores.
    pub const STORE_PASSWORD: &'static str = "store-password";

    pub(super) fn start(distribution: &'static Distribution) -> Result<Self> {
        let certificates = tempfile::tempdir()?;
        let store = |name: &str, host: &str, dates: &[&str]| {
            create_certificate(distribution, certificates.path(), name, host, dates)
        };
        let valid = ["-validity", "3650"];
        let right = store("right", "localhost", &valid)?;
        let stranger = store("stranger", "other.example", &valid)?;
        let expired = store("expired", "localhost", &["-startdate", "-10d", "-validity", "5"])?;
        store("client", "client", &valid)?;
        store("next-client", "next-client", &valid)?;
        let trusted = certificates.path().join("trusted.p12");
        trust(distribution, certificates.path(), "client")?;
        let listeners = vec![
            listener("TLS", "SSL", &[tls(&right)]),
            listener("MUTUAL", "SSL", &[tls(&right), client_certificate(&trusted)]),
            listener("EXPIRED", "SSL", &[tls(&expired)]),
            listener("STRANGER", "SSL", &[tls(&stranger)]),
            listener("SASL", "SASL_PLAINTEXT", &[plain()]),
            listener("SCRAM", "SASL_PLAINTEXT", &[scram()]),
            listener("SASLTLS", "SASL_SSL", &[tls(&right), plain()]),
        ];
        let node = KafkaNode::start_with(distribution, listeners, AUTHORIZER)?;
        Ok(Self { distribution, node, certificates, password: Self::PASSWORD.to_owned() })
    }

    /// Starts the node again, with this password for both users and `client` as the one client whose
    /// certificate is trusted.
    pub fn restart_with(&mut self, password: &str, client: &str) -> Result<()> {
        trust(self.distribution, self.certificates.path(), client)?;
        let quoted = |password: &str| format!("=\"{password}\"");
        self.node.change_settings(&quoted(&self.password), &quoted(password))?;
        password.clone_into(&mut self.password);
        self.node.restart()
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

    /// The file with a client's certificate and its key, as PKCS#12. `name` is `client` or
    /// `next-client`.
    pub fn key_store(&self, name: &str) -> PathBuf {
        self.certificates.path().join(name).with_extension("p12")
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
        ("ssl.keystore.password", SecureKafka::STORE_PASSWORD),
        ("ssl.key.password", SecureKafka::STORE_PASSWORD),
    ])
}

fn client_certificate(trusted: &Path) -> Settings {
    settings([
        ("ssl.client.auth", "required"),
        ("ssl.truststore.location", &trusted.to_string_lossy()),
        ("ssl.truststore.password", SecureKafka::STORE_PASSWORD),
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
    let keytool = |arguments: &[&str]| keytool(distribution, &store, arguments);
    let (name, names) = (format!("CN={host}"), format!("san=dns:{host}"));
    let key = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-storetype", "PKCS12"];
    keytool(&[&key[..], &["-dname", &name, "-ext", &names, "-ext", "bc:c"], dates].concat())?;
    let file = store.with_extension("pem");
    keytool(&["-exportcert", "-rfc", "-file", &file.to_string_lossy()])?;
    Ok(store)
}

/// Makes this client's certificate the only one that is trusted.
fn trust(distribution: &Distribution, folder: &Path, client: &str) -> Result<()> {
    let store = folder.join("trusted.p12");
    if store.exists() {
        std::fs::remove_file(&store)?;
    }
    let certificate = folder.join(client).with_extension("pem");
    let arguments = ["-importcert", "-noprompt", "-storetype", "PKCS12", "-file"];
    keytool(distribution, &store, &[&arguments[..], &[&certificate.to_string_lossy()]].concat())
}

fn keytool(distribution: &Distribution, store: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(distribution.keytool());
    command.args(arguments).args(["-alias", "broker"]);
    command.args(["-storepass", SecureKafka::STORE_PASSWORD]).arg("-keystore").arg(store);
    let output = command.output().context("keytool could not be run")?;
    let why = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "keytool failed: {why}");
    Ok(())
}
