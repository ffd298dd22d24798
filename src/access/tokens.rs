//! The file of tokens, which is read again when it changes. A bad file changes nothing.
//!
//! What is in a line is not known here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::digest::{Digest, digest};
use super::identity::Identity;
use super::policy::{Policy, Principal};
use super::token_lines::parse_lines;
use crate::small_file;
use crate::stats::TokenFileStats;

const MAX_FILE_BYTES: usize = 256 << 10;

/// The tokens of the file that was good last.
#[derive(Debug)]
pub(super) struct Tokens {
    file: PathBuf,
    policy: Arc<Policy>,
    loaded: ArcSwap<Vec<Token>>,
    /// The digest of the content that was read last, good or bad. None if it could not be read.
    last: Mutex<Option<Digest>>,
    generation: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Token {
    digest: Digest,
    owner: Arc<Principal>,
}

/// Checks a file.
///
/// # Errors
///
/// What is wrong with the file, and what to do.
pub(super) fn check(file: &Path) -> Result<(), String> {
    parse_lines(&read(file)?).map(drop)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    small_file::read(file, MAX_FILE_BYTES).map_err(|error| small_file::explain(&error))
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, and what to do.
    pub(super) fn load(file: PathBuf, policy: Arc<Policy>) -> Result<Self, String> {
        let bytes = read(&file)?;
        let loaded = ArcSwap::from_pointee(parse(&bytes, &policy)?);
        let last = Mutex::new(Some(digest(&bytes)));
        let (generation, failures) = (AtomicU64::new(1), AtomicU64::new(0));
        Ok(Self { file, policy, loaded, last, generation, failures })
    }

    /// Reads the file again if it has changed. A bad one is reported once.
    pub(super) fn refresh(&self) {
        let read = read(&self.file);
        let content = read.as_ref().ok().map(|bytes| digest(bytes));
        if std::mem::replace(&mut *self.last.lock(), content) == content {
            return;
        }
        match read.and_then(|bytes| parse(&bytes, &self.policy)) {
            Ok(tokens) => {
                tracing::info!(tokens = tokens.len(), "read rpc.tokens.file again");
                self.loaded.store(Arc::new(tokens));
                self.generation.fetch_add(1, Ordering::Relaxed);
            }
            Err(why) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let file = self.file.display();
                tracing::warn!(%file, why, "rpc.tokens.file is bad; the tokens before it go on");
            }
        }
    }

    /// The owner of the token with this digest. It is compared with every line, so that the time
    /// tells nothing.
    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Principal>> {
        let tokens = self.loaded.load();
        let mut found = u64::MAX;
        for (number, token) in (0..).zip(tokens.iter()) {
            found.conditional_assign(&number, token.digest.ct_eq(digest));
        }
        let token = usize::try_from(found).ok().and_then(|found| tokens.get(found));
        token.map(|token| Arc::clone(&token.owner))
    }

    pub(super) fn stats(&self) -> TokenFileStats {
        TokenFileStats {
            tokens: self.loaded.load().len() as u64,
            generation: self.generation.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

fn parse(bytes: &[u8], policy: &Policy) -> Result<Vec<Token>, String> {
    let token = |(name, digest): (&str, Digest)| {
        let owner = policy.principal(&[Identity::Token(Arc::from(name))])?;
        Some(Token { digest, owner })
    };
    Ok(parse_lines(bytes)?.into_iter().filter_map(token).collect())
}

#[cfg(test)]
mod tests;
