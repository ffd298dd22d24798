//! A bearer token from a file, which may be replaced while the client runs.
//!
//! Owns the file's form and when it is read again. The token itself is in no text and no log.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tonic::codegen::http::HeaderValue;

use crate::connect_error::ConnectError;

/// How old what is known of the file may be when a call begins.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// No service takes longer headers.
const MAX_BYTES: usize = 16 << 10;

/// The token of a file, as it is sent.
#[derive(Debug)]
pub(crate) struct TokenFile {
    file: PathBuf,
    known: Mutex<Known>,
}

/// What the file held when it was read last. The header is marked as sensitive, so it is not shown.
#[derive(Debug)]
struct Known {
    header: HeaderValue,
    checked: Instant,
}

impl TokenFile {
    /// Reads the file.
    pub(crate) fn open(file: PathBuf) -> Result<Self, ConnectError> {
        let known = Known { header: read(&file)?, checked: Instant::now() };
        Ok(Self { file, known: Mutex::new(known) })
    }

    /// The value of the header `authorization`. Reads the file again if that is due. A file that
    /// cannot be used then leaves the token as it was: the service judges whether it still counts.
    pub(crate) async fn header(&self) -> HeaderValue {
        if self.begin_check(Instant::now()) {
            let file = self.file.clone();
            // A file may be on a file system that is slow.
            let found = tokio::task::spawn_blocking(move || read(&file)).await;
            if let Ok(Ok(header)) = found {
                self.known().header = header;
            }
        }
        self.known().header.clone()
    }

    /// Whether this call has to read the file. Other calls meanwhile go on with what is known.
    fn begin_check(&self, now: Instant) -> bool {
        let mut known = self.known();
        let is_due = now.duration_since(known.checked) >= CHECK_AFTER;
        if is_due {
            known.checked = now;
        }
        is_due
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> Result<HeaderValue, ConnectError> {
    let unusable = |reason: &str| ConnectError::File { file: file.into(), reason: reason.into() };
    let text = fs::read_to_string(file)
        .map_err(|error| unusable(&format!("the token cannot be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable("the file holds no token"));
    }
    if token.len() > MAX_BYTES {
        return Err(unusable("the token is longer than 16 KiB"));
    }
    let is_graphic = token.bytes().all(|byte| byte.is_ascii_graphic());
    let header = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| is_graphic);
    let mut header = header.ok_or_else(|| {
        unusable("the file holds more than one token, or one with a character that no token has")
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, content).unwrap();
        (folder, file)
    }

    /// The file as if it had been read long ago.
    fn old(file: PathBuf) -> TokenFile {
        let token = TokenFile::open(file).unwrap();
        token.known().checked = Instant::now().checked_sub(CHECK_AFTER).unwrap();
        token
    }

    #[tokio::test]
    async fn a_token_that_was_replaced_is_sent_once_the_file_is_read_again() {
        let (_folder, path) = file("first\n");
        let fresh = TokenFile::open(path.clone()).unwrap();
        let old = old(path.clone());
        fs::write(&path, "second").unwrap();
        assert_eq!(fresh.header().await, "Bearer first", "it was read a moment ago");
        assert_eq!(old.header().await, "Bearer second");
    }

    #[tokio::test]
    async fn a_file_that_gets_unusable_leaves_the_token_as_it_was() {
        let (_folder, path) = file("first");
        for broken in ["", "\n", "a b", "ä"] {
            let old = old(path.clone());
            fs::write(&path, broken).unwrap();
            assert_eq!(old.header().await, "Bearer first", "{broken:?}");
            fs::write(&path, "first").unwrap();
        }
    }

    #[test]
    fn a_file_without_a_usable_token_is_refused_and_not_shown() {
        for content in ["", " \n", "hunter2 hunter2", "hunter2\u{7f}", &"hunter2".repeat(4_000)] {
            let (_folder, path) = file(content);
            let error = TokenFile::open(path).unwrap_err();
            assert!(matches!(error, ConnectError::File { .. }), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(TokenFile::open("/nowhere/token".into()).is_err());
    }

    #[test]
    fn a_token_is_not_shown_when_it_is_debugged() {
        let (_folder, path) = file("hunter2");
        assert!(!format!("{:?}", TokenFile::open(path).unwrap()).contains("hunter2"));
    }
}
