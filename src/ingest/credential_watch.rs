//! Takes new certificates, keys and passwords from their files while the service runs.
//!
//! A thread of its own looks at the files, since it may wait for a file system. Files are taken
//! once they are the same twice, and only if librdkafka takes them: what is being written, and what
//! is bad, leaves the clients as they are. Then the client that only asks and the producer of dead
//! letters are replaced here, and each poll thread replaces its own client at its positions.

use std::io;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use super::client_threads::try_out_client_threads;
use super::credentials::{Credentials, Digest};
use super::query_client::QueryHandle;
use super::query_consumer::create_query_consumer;
use super::redaction::Redaction;
use super::shared::Shared;

/// How often the files are looked at.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// The thread that looks at the files. There is none without files.
pub(super) struct CredentialWatch(Option<JoinHandle<()>>);

impl CredentialWatch {
    /// Starts the thread. It ends soon after the other threads were asked to.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(shared: &Arc<Shared>, query_client: QueryHandle) -> io::Result<Self> {
        if shared.config.kafka.files().next().is_none() {
            return Ok(Self(None));
        }
        let watch = Watch::new(Arc::clone(shared), query_client);
        let thread = Builder::new().name("kafka-files".into());
        Ok(Self(Some(thread.spawn(move || watch.run())?)))
    }

    /// Waits for the end of the thread.
    pub(super) fn stop(&mut self) {
        if let Some(thread) = self.0.take() {
            thread.thread().unpark();
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// What the files hold, or why they are no use.
type Found = Result<Digest, String>;

struct Watch {
    shared: Arc<Shared>,
    query_client: QueryHandle,
    /// What was found at the last look.
    seen: Found,
    /// What was last taken or refused.
    decided: Found,
}

impl Watch {
    fn new(shared: Arc<Shared>, query_client: QueryHandle) -> Self {
        let current = Ok(*shared.credentials.load().digest());
        Self { shared, query_client, seen: current.clone(), decided: current }
    }

    fn run(mut self) {
        thread::park_timeout(LOOK_AFTER);
        while !self.shared.is_stopping() {
            self.look();
            thread::park_timeout(LOOK_AFTER);
        }
    }

    fn look(&mut self) {
        let read = Credentials::read(&self.shared.config.kafka);
        let found = read.as_ref().map(|read| *read.digest()).map_err(Clone::clone);
        if !decide(&mut self.seen, &mut self.decided, found) {
            return;
        }
        let outcome = read.and_then(|new| self.take(new));
        match outcome {
            Ok(()) => tracing::info!(
                "files of kafka's clients have changed: connecting anew with what they hold"
            ),
            Err(reason) => tracing::warn!(
                reason,
                look_at =
                    "the files under kafka.secrets and of kafka.properties.\"ssl.*.location\"",
                "files of kafka's clients have changed and cannot be used, going on with the old ones"
            ),
        }
    }

    /// Goes on with these credentials, if librdkafka takes them.
    fn take(&self, new: Credentials) -> Result<(), String> {
        let redaction = Redaction::of(&self.shared.config, &new);
        let renewed = self.renew(&new).map_err(|error| redaction.hide(&error.to_string()));
        renewed.map(|()| self.shared.credentials.store(Arc::new(new)))
    }

    fn renew(&self, new: &Credentials) -> io::Result<()> {
        let Shared { config, outage, rejections, .. } = &*self.shared;
        try_out_client_threads(config)?;
        let consumer = create_query_consumer(config, new, outage).map_err(io::Error::other)?;
        rejections.renew_producer(config, new, outage)?;
        self.query_client.replace_consumer(consumer);
        Ok(())
    }
}

/// Notes what was found. Whether it is settled and not decided on yet.
fn decide(seen: &mut Found, decided: &mut Found, found: Found) -> bool {
    let is_due = found == *seen && found != *decided;
    if is_due {
        decided.clone_from(&found);
    }
    *seen = found;
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is decided on, look by look.
    fn decisions(found: &[Found]) -> Vec<bool> {
        let (mut seen, mut decided) = (Ok([0; 32]), Ok([0; 32]));
        let look = |found: &Found| decide(&mut seen, &mut decided, found.clone());
        found.iter().map(look).collect()
    }

    #[test]
    fn a_file_is_taken_once_it_is_the_same_twice() {
        let [old, half, new] = [0, 1, 2].map(|byte| Ok([byte; 32]));
        let looks = [old.clone(), half, new.clone(), new.clone(), new.clone(), new];
        assert_eq!(decisions(&looks), [false, false, false, true, false, false]);
    }

    #[test]
    fn a_bad_file_is_refused_once_and_the_old_one_is_taken_back() {
        let (old, bad) = (Ok([0; 32]), Err("the file is empty".to_owned()));
        let looks = [bad.clone(), bad.clone(), bad, old.clone(), old.clone(), old];
        assert_eq!(decisions(&looks), [false, true, false, false, true, false]);
    }
}
