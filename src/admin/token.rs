//! The token of calls that change the process.
//!
//! It is read from its file at each call: so a new one counts at once, and none stays in memory.

use std::path::{Path, PathBuf};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::small_file;

/// More than any token has.
const MAX_BYTES: usize = 4 << 10;
const MIN_CHARS: usize = 16;

/// Where the token is.
#[derive(Debug, Clone)]
pub(super) struct ChangeToken(pub(super) Option<PathBuf>);

/// Why a call may change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no token.
    Closed,
    /// The file has no token that counts.
    Unreadable,
    /// The call has none, or another.
    WrongToken,
}

impl ChangeToken {
    /// Whether a call with these headers may change something.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let file = self.0.as_deref().ok_or(Refusal::Closed)?;
        let token = read(file).ok_or(Refusal::Unreadable)?;
        let given = bearer(headers).ok_or(Refusal::WrongToken)?;
        // Digests have one length, so the comparison takes as long for every token.
        let [token, given] = [token.as_bytes(), given.as_bytes()].map(Sha256::digest);
        if bool::from(token.as_slice().ct_eq(given.as_slice())) {
            Ok(())
        } else {
            Err(Refusal::WrongToken)
        }
    }
}

fn read(file: &Path) -> Option<String> {
    let text = String::from_utf8(small_file::read(file, MAX_BYTES).ok()?).ok()?;
    let token = text.trim();
    (token.chars().count() >= MIN_CHARS).then(|| token.to_owned())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, text) = match self {
            Self::Closed => (
                StatusCode::FORBIDDEN,
                "calls that change the process are closed: set admin.token_file to open them\n",
            ),
            Self::Unreadable => (
                StatusCode::FORBIDDEN,
                "the file of admin.token_file cannot be read, or holds fewer than 16 characters or \
                 more than 4096 bytes\n",
            ),
            Self::WrongToken => (
                StatusCode::UNAUTHORIZED,
                "send the token of admin.token_file as \"Authorization: Bearer TOKEN\"\n",
            ),
        };
        (code, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::http::HeaderValue;

    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        let value = HeaderValue::from_str(authorization).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    #[test]
    fn the_token_of_the_file_opens_and_nothing_else_does() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let token = ChangeToken(Some(file.path().into()));
        let right = headers("Bearer abcdefghijklmnop");
        assert_eq!(token.check(&right), Err(Refusal::Unreadable), "an empty token opens nothing");
        fs::write(file.path(), "abcdefghijklmnop\n").unwrap();
        assert_eq!(token.check(&right), Ok(()));
        assert_eq!(token.check(&headers("bearer  abcdefghijklmnop")), Ok(()));
        for wrong in ["Bearer abcdefghijklmno", "Basic abcdefghijklmnop", "Bearer", ""] {
            assert_eq!(token.check(&headers(wrong)), Err(Refusal::WrongToken), "{wrong}");
        }
        assert_eq!(token.check(&HeaderMap::new()), Err(Refusal::WrongToken));
        fs::write(file.path(), "another-token-of-it").unwrap();
        assert_eq!(token.check(&right), Err(Refusal::WrongToken), "the file is read again");
        assert_eq!(ChangeToken(None).check(&right), Err(Refusal::Closed));
    }
}
