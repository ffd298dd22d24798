//! Reads the files of all ports again and again, on a thread of its own, and puts new sets in use.
//!
//! A set that something is wrong with is refused as a whole: the old one goes on serving. That is
//! logged and counted once, not at each reading.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Tls;
use super::expiry::ExpiryWarnings;
use super::fault::Fault;
use super::files;
use super::set::CertificateSet;
use crate::heap::{self, Account};
use crate::record::Timestamp;

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Rotation {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The rotation of one port.
#[derive(Debug)]
pub(super) struct PortRotation {
    tls: Tls,
    due: Instant,
    /// What the last reading was refused for, and the files' digest if they could be read.
    refused: Option<(Option<[u8; 32]>, Fault)>,
    warnings: ExpiryWarnings,
}

impl Rotation {
    /// Starts the thread, unless no port has TLS. What it allocates is charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn spawn(ports: impl IntoIterator<Item = Tls>, account: &Account) -> io::Result<Self> {
        let mut ports: Vec<_> = ports.into_iter().map(PortRotation::new).collect();
        if ports.is_empty() {
            return Ok(Self { stop: None, thread: None });
        }
        let account = account.clone();
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let thread = thread::Builder::new().name("tls-rotation".into()).spawn(move || {
            account.adopt_thread();
            while stopped.recv_timeout(turn(&mut ports)) == Err(RecvTimeoutError::Timeout) {
                heap::flush_if_asked();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Rotation {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread itself has reported its panic.
            let _ = thread.join();
        }
    }
}

/// Looks at the ports that are due. Returns the time until the next one is.
fn turn(ports: &mut [PortRotation]) -> Duration {
    for port in ports.iter_mut().filter(|port| port.due <= Instant::now()) {
        port.reload(Timestamp::now());
        port.due = Instant::now() + port.tls.0.config.reload_interval;
    }
    let next = ports.iter().map(|port| port.due).min();
    next.map_or(Duration::MAX, |next| next.saturating_duration_since(Instant::now()))
}

impl PortRotation {
    pub(super) fn new(tls: Tls) -> Self {
        let warnings = ExpiryWarnings::default();
        Self { tls, due: Instant::now(), refused: None, warnings }
    }

    /// Reads the files, and puts them in use if they are new and good.
    pub(super) fn reload(&mut self, now: Timestamp) {
        let shared = &self.tls.0;
        let in_use = Arc::clone(&shared.in_use.borrow());
        let (digest, result) = match files::read(shared.port, &shared.config) {
            Ok(files) if !in_use.is_outdated(&files, now) => (None, Ok(None)),
            Ok(files) => {
                let generation = in_use.generation + 1;
                let (port, config) = (shared.port, &shared.config);
                let set = CertificateSet::new(port, config, &files, generation, now);
                (Some(files.digest()), set.map(Some))
            }
            Err(fault) => (None, Err(fault)),
        };
        match result {
            Ok(set) => self.accept(set),
            Err(fault) => self.refuse(digest, fault),
        }
        let certificates = Arc::clone(&self.tls.0.in_use.borrow());
        self.warnings.warn(self.tls.0.port, &certificates.certificates, now);
    }

    /// None if the files are those in use.
    fn accept(&mut self, set: Option<CertificateSet>) {
        let section = self.tls.0.port.section();
        if self.refused.take().is_some() && set.is_none() {
            tracing::info!(section, "the files are again those that are in use");
        }
        if let Some(set) = set {
            tracing::info!(section, generation = set.generation, "new certificates are in use");
            self.tls.0.in_use.send_replace(Arc::new(set));
        }
    }

    fn refuse(&mut self, digest: Option<[u8; 32]>, fault: Fault) {
        let refused = Some((digest, fault));
        if self.refused == refused {
            return;
        }
        self.tls.0.failed_reloads.fetch_add(1, Ordering::Relaxed);
        if let Some((_, fault)) = &refused {
            let generation = self.tls.0.in_use.borrow().generation;
            tracing::warn!(%fault, generation, "new TLS files are refused, the old ones stay in use");
        }
        self.refused = refused;
    }
}
