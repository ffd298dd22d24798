//! Reads the files of a port so that all are of one set.
//!
//! Whoever replaces files replaces them one by one, or puts a link to another folder as Kubernetes
//! does. A reading in the middle of that finds files that do not belong together. So all are read
//! again until two readings agree. It does not know what is in the files.

use std::io;

use sha2::{Digest, Sha256};

use super::fault::{Fault, Named};
use super::port::Port;
use crate::config;
use crate::small_file;

/// A file with a hundred CAs has a third of it.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Readings before the files count as never at rest.
const MAX_READINGS: usize = 10;

/// The content of all files of one set.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// Reads one set.
pub(super) fn read(port: Port, config: &config::Tls) -> Result<Files, Fault> {
    read_by(port, config, &mut read_file)
}

type ReadFile<'a> = &'a mut dyn FnMut(&str) -> io::Result<Vec<u8>>;

fn read_by(port: Port, config: &config::Tls, read_file: ReadFile<'_>) -> Result<Files, Fault> {
    let mut before = read_once(port, config, read_file)?;
    for _ in 0..MAX_READINGS {
        let files = read_once(port, config, read_file)?;
        if files == before {
            return Ok(files);
        }
        before = files;
    }
    let certificate = Named { port, key: "certificate", file: &config.certificate };
    Err(certificate.fault(
        "the files of this section change all the time",
        "write each set of files once, and then put it in place",
    ))
}

fn read_once(port: Port, config: &config::Tls, read_file: ReadFile<'_>) -> Result<Files, Fault> {
    let mut read = |key, file: &str| {
        read_file(file).map_err(|error| unreadable(Named { port, key, file }, &error))
    };
    Ok(Files {
        certificate: read("certificate", &config.certificate)?,
        key: read("key", &config.key)?,
        client_ca: config.client_ca.as_ref().map(|file| read("client_ca", file)).transpose()?,
    })
}

fn read_file(path: &str) -> io::Result<Vec<u8>> {
    small_file::read(path, MAX_FILE_BYTES)
}

fn unreadable(file: Named<'_>, error: &io::Error) -> Fault {
    file.fault(small_file::describe(error), small_file::CURE)
}

impl Files {
    /// Equal for equal files.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for file in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()] {
            let file = file.map(Vec::as_slice).unwrap_or_default();
            digest.update((file.len() as u64).to_be_bytes());
            digest.update(file);
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config() -> config::Tls {
        config::Tls {
            certificate: "tls.crt".into(),
            key: "tls.key".into(),
            client_ca: Some("ca.crt".into()),
            client_certificate: None,
            reload_interval: Duration::from_secs(1),
        }
    }

    #[test]
    fn files_that_are_swapped_in_the_middle_of_a_reading_are_never_mixed() {
        // The swap comes after each possible number of files.
        for files_before in 0..9 {
            let mut count = 0;
            let mut read_file = |path: &str| {
                count += 1;
                let set = if count > files_before { "new" } else { "old" };
                Ok(format!("{set} {path}").into_bytes())
            };
            let files = read_by(Port::Rpc, &config(), &mut read_file).unwrap();
            let set = files.certificate.split(|byte| *byte == b' ').next().unwrap();
            assert!(files.key.starts_with(set), "after {files_before} files");
            assert!(files.client_ca.unwrap().starts_with(set), "after {files_before} files");
        }
    }

    #[test]
    fn files_that_are_never_at_rest_are_a_fault() {
        let mut count = 0;
        let mut read_file = |_: &str| {
            count += 1;
            Ok(vec![count])
        };
        let fault = read_by(Port::Admin, &config(), &mut read_file).err().unwrap();
        assert!(fault.to_string().contains("change all the time"), "{fault}");
    }
}
