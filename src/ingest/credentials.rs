//! What Kafka's clients show of themselves, as far as it is in files: the values of
//! `kafka.secrets`, and whether one of all the files has changed.
//!
//! Owns reading the files together. When they are read again is in `credential_watch`. librdkafka
//! reads the files of certificates and keys itself, whenever a client is created.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::config::{Kafka, Secret};
use crate::small_file;

/// More than any password or key has.
const MAX_BYTES: usize = 64 << 10;
/// More than any file of certificates has. What comes after it is not looked at.
const MAX_COMPARED_BYTES: u64 = 16 << 20;

/// A digest of the contents of all files.
pub(super) type Digest = [u8; 32];

/// The secrets from files, as they were at one time.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    secrets: BTreeMap<String, Secret>,
    digest: Digest,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one of `kafka.secrets` holds no value. The text names its setting, and says why.
    pub(super) fn read(kafka: &Kafka) -> Result<Self, String> {
        let mut secrets = BTreeMap::new();
        let mut digest = Sha256::new();
        for (name, file) in kafka.files() {
            digest.update(name);
            match digest_of(file) {
                Ok(of_file) => digest.update(of_file),
                // Such as a folder of CAs, which librdkafka takes too.
                Err(error) => digest.update(error.kind().to_string()),
            }
            if kafka.secrets.contains_key(name) {
                let secret = value(file).map_err(|why| fault(name, file, &why))?;
                secrets.insert(name.to_owned(), secret);
            }
        }
        Ok(Self { secrets, digest: digest.finalize().into() })
    }

    /// Equal for equal contents of the files.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The settings of librdkafka with their values.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.secrets.iter().map(|(name, secret)| (name.as_str(), secret))
    }
}

fn fault(name: &str, file: &Path, why: &str) -> String {
    format!("kafka.secrets.\"{name}\": {}: {why}", file.display())
}

/// The digest of a file, which never has all of it in memory.
fn digest_of(file: &Path) -> io::Result<Digest> {
    let mut content = File::open(file)?.take(MAX_COMPARED_BYTES);
    let mut digest = Sha256::new();
    let mut buffer = [0; 8 << 10];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(digest.finalize().into()),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// The content without the end of its line, which editors add.
fn value(file: &Path) -> Result<Secret, String> {
    let content = small_file::read(file, MAX_BYTES).map_err(|error| small_file::explain(&error))?;
    let text = String::from_utf8(content).map_err(|_| "the file is not UTF-8")?;
    let value = text.trim_end_matches(['\r', '\n']);
    match value {
        "" => Err("the file is empty".into()),
        value if value.contains('\0') => Err("the file has a NUL in it".into()),
        value => Ok(value.to_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Config;

    fn config(folder: &Path) -> Config {
        let file = |name: &str| folder.join(name).display().to_string();
        let settings = [
            "kafka.brokers=localhost:1".into(),
            "kafka.properties.security.protocol=SSL".into(),
            format!("kafka.properties.ssl.ca.location={}", file("ca")),
            format!("kafka.secrets.sasl.password={}", file("password")),
            "tables.0.name=t".into(),
            "tables.0.topic=t".into(),
            "tables.0.key=/id".into(),
            "tables.0.fields.f=/f".into(),
            "tables.0.ttl=1h".into(),
        ];
        Config::load(None, [], &settings).unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca"), "ca").unwrap();
        fs::write(folder.path().join("password"), "hunter2\n").unwrap();
        folder
    }

    #[test]
    fn a_secret_is_the_content_of_its_file_without_the_end_of_the_line() {
        let folder = folder();
        let read = Credentials::read(&config(folder.path()).kafka).unwrap();
        let [(name, secret)] = read.settings().collect::<Vec<_>>()[..] else { panic!("{read:?}") };
        assert_eq!((name, secret.expose()), ("sasl.password", "hunter2"));
        assert!(!format!("{read:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_without_a_value_is_a_fault_that_names_the_file_and_the_setting() {
        let folder = folder();
        let config = config(folder.path());
        let large = vec![b'x'; MAX_BYTES + 1];
        for content in [&b""[..], b"\r\n", b"hunter2\0", b"hunter2\xff", &large] {
            fs::write(folder.path().join("password"), content).unwrap();
            let fault = Credentials::read(&config.kafka).unwrap_err();
            assert!(fault.contains("\"sasl.password\"") && fault.contains("/password"), "{fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
        }
        fs::remove_file(folder.path().join("password")).unwrap();
        assert!(Credentials::read(&config.kafka).is_err());
    }

    #[test]
    fn every_file_that_changes_changes_the_digest() {
        let folder = folder();
        let config = config(folder.path());
        let digest = || *Credentials::read(&config.kafka).unwrap().digest();
        let first = digest();
        assert_eq!(digest(), first);
        fs::write(folder.path().join("ca"), "another").unwrap();
        let second = digest();
        assert_ne!(second, first);
        fs::write(folder.path().join("password"), "another").unwrap();
        assert!(![first, second].contains(&digest()));
    }
}
