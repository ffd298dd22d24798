//! The keys as they were read last, and the thread that reads them again.
//!
//! The keys are read again and again, and earlier when a token names an unknown key. A call never
//! waits for that. Where they cannot be read the last good ones go on. How JWTs are verified is not
//! known here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::key_set::KeySet;
use super::source;
use crate::access::digest::{Digest, digest};
use crate::access::watch::{Pace, Watch};
use crate::config::JwtKeys;
use crate::heap::Account;
use crate::stats::JwtKeyStats;

const OF_FILE: Pace = Pace::every(Duration::from_secs(1));
const OF_URL: Pace = Pace {
    interval: Duration::from_secs(300),
    retry: Duration::from_secs(15),
    min_pause: Duration::from_secs(15),
};

/// The keys, which a thread keeps current.
#[derive(Debug)]
pub(super) struct Keys {
    shared: Arc<Shared>,
    watch: Watch,
}

#[derive(Debug)]
struct Shared {
    source: JwtKeys,
    current: ArcSwap<KeySet>,
    last: Mutex<Last>,
    failures: AtomicU64,
}

/// What came of the last reading.
#[derive(Debug, Default)]
struct Last {
    /// Of the content that is in use.
    digest: Option<Digest>,
    read_at: Option<Instant>,
    /// What was wrong, so that it is logged once.
    fault: Option<String>,
}

/// Checks the source if that is a file.
///
/// # Errors
///
/// What is wrong with the file, and what to do.
pub(in crate::access) fn check(source: &JwtKeys) -> Result<(), String> {
    match source {
        JwtKeys::File { .. } => KeySet::parse(&source::read(source)?, 0).map(drop),
        JwtKeys::Url { .. } => Ok(()),
    }
}

impl Keys {
    pub(super) fn start(source: &JwtKeys, account: &Account) -> io::Result<Self> {
        let is_file = matches!(source, JwtKeys::File { .. });
        Self::start_at(source, if is_file { OF_FILE } else { OF_URL }, account)
    }

    pub(super) fn start_at(source: &JwtKeys, pace: Pace, account: &Account) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            source: source.clone(),
            current: ArcSwap::default(),
            last: Mutex::default(),
            failures: AtomicU64::new(0),
        });
        if matches!(source, JwtKeys::File { .. }) {
            shared.refresh();
        }
        let reader = Arc::clone(&shared);
        let watch = Watch::start("jwt-keys", account, pace, move || reader.refresh())?;
        Ok(Self { shared, watch })
    }

    pub(super) fn current(&self) -> Arc<KeySet> {
        self.shared.current.load_full()
    }

    /// Asks for the keys to be read soon: a token names one that is not there.
    pub(super) fn ask(&self) {
        self.watch.ask();
    }

    pub(super) fn stats(&self) -> JwtKeyStats {
        let keys = self.shared.current.load();
        JwtKeyStats {
            keys: keys.count() as u64,
            generation: keys.generation,
            failures: self.shared.failures.load(Ordering::Relaxed),
            age: self.shared.last.lock().read_at.map(|at| at.elapsed()),
        }
    }
}

impl Shared {
    /// Reads the keys. Returns whether they are good.
    fn refresh(&self) -> bool {
        let read = source::read(&self.source).and_then(|bytes| self.load(&bytes));
        let mut last = self.last.lock();
        let Err(why) = read else {
            (last.read_at, last.fault) = (Some(Instant::now()), None);
            return true;
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        if last.fault.as_ref() != Some(&why) {
            let keys = &self.source;
            tracing::warn!(%keys, why, "cannot read the keys of rpc.jwt; those before go on");
        }
        last.fault = Some(why);
        false
    }

    fn load(&self, bytes: &[u8]) -> Result<(), String> {
        let found = Some(digest(bytes));
        if self.last.lock().digest == found {
            return Ok(());
        }
        let keys = KeySet::parse(bytes, self.current.load().generation + 1)?;
        tracing::info!(keys = keys.count(), "read the keys of rpc.jwt");
        self.current.store(Arc::new(keys));
        self.last.lock().digest = found;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
