//! `[rpc.tls]` and `[admin.tls]`: the files of a server's certificate, and whether its clients need
//! one. A section that is absent means plaintext.
//!
//! Owns the keys, and finds files that cannot be read. What is in the files is for `tls` to judge,
//! which reads them again while the service runs.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::form::{Optional, Text, Time, Word, serialize_duration};
use super::section::{Section, Unset};
use crate::small_file;

pub(super) const ABOUT: &str =
    "The server's certificate. Without this section the port speaks plaintext. TLS 1.2 and 1.3.";

/// The files of a server, and what its clients must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// The path of the certificate chain, in PEM.
    pub certificate: String,
    /// The path of its private key, in PEM.
    pub key: String,
    /// The path of the CAs that client certificates are verified by, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<String>,
    /// Whether a client must have a certificate. None without `client_ca`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// How often the files are read again. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub reload_interval: Duration,
}

/// Whether a client must have a certificate. One that it has is always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// A client without one is refused.
    Required,
    /// A client without one is anonymous.
    Optional,
}

const REQUIRED: &str = "required";
const OPTIONAL: &str = "optional";

const PATH: Text = Text {
    wanted: "the path of a file in PEM",
    fault: |text| text.is_empty().then_some("it is empty"),
};

impl Tls {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let certificate = section.key(
            "certificate",
            &PATH,
            Unset::Fault,
            "The server's certificate, and after it the intermediate ones.",
        );
        let key = section.key("key", &PATH, Unset::Fault, "The private key of the certificate.");
        let client_ca = section.key(
            "client_ca",
            &Optional(PATH),
            Unset::Derived("none", || None),
            "The CAs whose client certificates are accepted. When one is taken out, the connections \
             of its clients are closed.",
        );
        let client_certificate = read_client_certificate(section);
        let reload_interval = section.key(
            "reload_interval",
            &Time(Duration::from_millis(100)..=Duration::from_secs(24 * 3_600)),
            Unset::Means("10s"),
            "How often the files are read again. New ones are used for new connections. If anything \
             is wrong with them, the old ones go on serving, and the log says so.",
        );
        let tls = Self {
            certificate: certificate?,
            key: key?,
            client_ca: client_ca?,
            client_certificate: client_certificate?,
            reload_interval: reload_interval?,
        };
        tls.check_files(section);
        tls.checked_client_certificate(section)
    }

    fn check_files(&self, section: &mut Section<'_>) {
        let files = [
            ("certificate", Some(&self.certificate)),
            ("key", Some(&self.key)),
            ("client_ca", self.client_ca.as_ref()),
        ];
        for (name, file) in files {
            let Some((wrong, cure)) = file.and_then(small_file::unreadable) else { continue };
            section.report.fault(&section.path_of(name), wrong, cure);
        }
    }

    /// Fills in the default, which depends on `client_ca`.
    fn checked_client_certificate(self, section: &mut Section<'_>) -> Option<Self> {
        match (&self.client_ca, self.client_certificate) {
            (Some(_), None) => {
                let client_certificate = Some(ClientCertificate::Required);
                Some(Self { client_certificate, ..self })
            }
            (None, Some(_)) => {
                let wrong = "there is no client_ca that client certificates could be verified by";
                let cure = "write client_ca too, or leave this out";
                section.report.fault(&section.path_of("client_certificate"), wrong, cure);
                None
            }
            _ => Some(self),
        }
    }
}

#[expect(clippy::option_option, reason = "None is a fault, as for every value here")]
fn read_client_certificate(section: &mut Section<'_>) -> Option<Option<ClientCertificate>> {
    section.key(
        "client_certificate",
        &Optional(Word(&[
            (REQUIRED, ClientCertificate::Required),
            (OPTIONAL, ClientCertificate::Optional),
        ])),
        Unset::Derived("`required` if there is a `client_ca`", || None),
        "Whether a client must have a certificate. One that it sends is verified in any case.",
    )
}

impl Serialize for ClientCertificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Required => REQUIRED,
            Self::Optional => OPTIONAL,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Config, Faults};
    use super::*;

    const TABLE: [&str; 6] = [
        "kafka.brokers=localhost:9092",
        "tables.0.name=services",
        "tables.0.topic=events",
        "tables.0.key=/id",
        "tables.0.fields.description=/description",
        "tables.0.ttl=1h",
    ];

    fn load(settings: &[String]) -> Result<Config, Faults> {
        let all: Vec<_> =
            TABLE.map(str::to_owned).into_iter().chain(settings.iter().cloned()).collect();
        Config::load(None, [], &all)
    }

    /// The lines that `settings` are wrong by.
    fn faults(settings: &[&str]) -> String {
        let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
        load(&settings).unwrap_err().to_string()
    }

    #[test]
    fn each_port_has_its_own_files_and_a_client_ca_asks_for_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "").unwrap();
            path.display().to_string()
        };
        let [chain, key, ca] = ["tls.crt", "tls.key", "ca.crt"].map(file);
        let settings = [
            format!("rpc.tls.certificate={chain}"),
            format!("rpc.tls.key={key}"),
            format!("rpc.tls.client_ca={ca}"),
            format!("admin.tls.certificate={chain}"),
            format!("admin.tls.key={key}"),
        ];
        let config = load(&settings).unwrap();
        let [rpc, admin] = [config.rpc.tls.as_ref().unwrap(), config.admin.tls.as_ref().unwrap()];
        assert_eq!(rpc.client_certificate, Some(ClientCertificate::Required));
        assert_eq!(admin.client_certificate, None);
        let effective = folder.path().join("effective.toml");
        fs::write(&effective, config.effective()).unwrap();
        let again = Config::load(Some(&effective), [], &[]).unwrap();
        assert_eq!((again.rpc.tls.as_ref(), again.admin.tls.as_ref()), (Some(rpc), Some(admin)));
        assert!(load(&[]).unwrap().rpc.tls.is_none(), "without a section there is no TLS");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_fault_of_its_key() {
        let faults = faults(&["rpc.tls.certificate=/none/tls.crt", "rpc.tls.key=/none/tls.key"]);
        for key in ["rpc.tls.certificate", "rpc.tls.key"] {
            let line = format!("{key} (--set {key})\n    there is no file at this path");
            assert!(faults.contains(&line), "{faults}");
        }
    }

    #[test]
    fn a_section_without_a_key_and_a_demand_without_a_ca_are_faults() {
        let missing = faults(&["admin.tls.certificate=/dev/null"]);
        assert!(
            missing.contains("admin.tls.key (--set admin.tls.certificate)\n    missing"),
            "{missing}"
        );
        let without_ca = faults(&[
            "rpc.tls.certificate=/dev/null",
            "rpc.tls.key=/dev/null",
            "rpc.tls.client_certificate=required",
        ]);
        assert!(without_ca.contains("there is no client_ca"), "{without_ca}");
    }
}
