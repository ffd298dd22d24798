//! The files of the service with TLS, and those of its callers.
//!
//! Owns the authorities, the certificates and the tokens, and their rotation. Knows nothing of the
//! processes that read them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use millpond_acceptance::authority::{Authority, Credential};
use millpond_acceptance::hex::hash;
use millpond_acceptance::mount::{Mount, Swap};

/// The host name in the service's certificate.
pub(crate) const HOST: &str = "localhost";
/// The name in the certificate of callers.
const CALLER: &str = "caller.test";
/// The names of tokens, and the tokens.
const ALL: (&str, &str) = ("all", "3d0b-the-token-of-a-caller-that-may-do-all");
const SHED: (&str, &str) = ("shed", "7c41-the-token-of-a-caller-that-is-shed");

/// Two folders: one of the service, one of its callers.
pub(crate) struct TlsFiles {
    folder: PathBuf,
    authority: Authority,
    service: Mount,
    callers: Mount,
    caller: Credential,
}

impl TlsFiles {
    /// Makes them in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let authority = Authority::new("first")?;
        let mut files = Self {
            service: Mount::new(folder.join("service"), Swap::Symlink)?,
            callers: Mount::new(folder.join("callers"), Swap::Symlink)?,
            caller: authority.issue(&[CALLER])?,
            folder: folder.to_owned(),
            authority,
        };
        let trusted = files.authority.pem();
        files.put_of_service(&trusted)?;
        files.put_of_callers(&trusted)?;
        Ok(files)
    }

    /// The configuration of a service with these files.
    pub(crate) fn configuration(&self) -> String {
        let folder = self.folder.join("service").display().to_string();
        format!(
            r#"
[rpc.tls]
certificate = "{folder}/tls.crt"
key = "{folder}/tls.key"
client_ca = "{folder}/ca.crt"
client_certificate = "optional"
reload_interval = "200ms"

[rpc.tokens]
file = "{folder}/tokens"

[[rpc.allow]]
who = ["token:{all}", "certificate:{CALLER}"]
methods = ["*"]
tables = ["*"]

[[rpc.allow]]
who = ["token:{shed}"]
methods = ["LookupService"]
tables = ["*"]
calls_per_second = 1
"#,
            all = ALL.0,
            shed = SHED.0,
        )
    }

    /// The folder of callers: `ca.crt`, `tls.crt`, `tls.key`, `all.token` and `shed.token`.
    pub(crate) fn of_callers(&self) -> PathBuf {
        self.folder.join("callers")
    }

    /// The authority that signed the newest certificate of the service, and no other.
    pub(crate) fn newest_authority(&self) -> Result<PathBuf> {
        let file = self.folder.join("newest.crt");
        fs::write(&file, self.authority.pem())?;
        Ok(file)
    }

    /// Replaces certificate and key of the service by those of a new authority. Callers are told to
    /// trust it before, so that no call fails meanwhile.
    pub(crate) fn rotate_service(&mut self) -> Result<()> {
        let former = std::mem::replace(&mut self.authority, Authority::new("next")?);
        let trusted = former.pem() + &self.authority.pem();
        self.put_of_callers(&trusted)?;
        self.caller = self.authority.issue(&[CALLER])?;
        self.put_of_service(&trusted)
    }

    /// Gives callers a certificate of the new authority too, once the service trusts it.
    pub(crate) fn rotate_callers(&mut self) -> Result<()> {
        let trusted = fs::read_to_string(self.of_callers().join("ca.crt"))?;
        self.put_of_callers(&trusted)
    }

    fn put_of_service(&mut self, trusted: &str) -> Result<()> {
        let Credential { certificate, key } = self.authority.issue(&[HOST])?;
        let tokens = [ALL, SHED].map(|(name, token)| format!("{name} {}\n", hash(token))).concat();
        let files = [
            ("tls.crt", &*certificate),
            ("tls.key", &*key),
            ("ca.crt", trusted),
            ("tokens", &*tokens),
        ];
        self.service.put(&files)
    }

    fn put_of_callers(&mut self, trusted: &str) -> Result<()> {
        let files = [
            ("tls.crt", &*self.caller.certificate),
            ("tls.key", &*self.caller.key),
            ("ca.crt", trusted),
            ("all.token", ALL.1),
            ("shed.token", SHED.1),
        ];
        self.callers.put(&files)
    }
}
