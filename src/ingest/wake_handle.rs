//! Wakes the Kafka clients after the system's clock was set back.
//!
//! librdkafka's threads wait until a time of the system's clock (its issue 2145). When that is set
//! back by an hour, a wait of a tenth of a second takes an hour longer: where no record comes,
//! nothing turns any more. A question to a client ends the wait of its main thread, whose
//! statistics then end the wait of the poll thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rdkafka::consumer::Consumer as _;

use super::client::{Consumer, close_beside};

/// Wakes the clients of all ingest threads. Clones wake the same.
#[derive(Clone, Default)]
pub struct WakeHandle {
    /// By the number of the thread. A thread that has ended has none.
    clients: Arc<Mutex<BTreeMap<usize, Weak<Consumer>>>>,
}

impl WakeHandle {
    /// Notes the client that a thread goes on with.
    pub(super) fn set_client(&self, thread: usize, client: &Arc<Consumer>) {
        self.clients.lock().insert(thread, Arc::downgrade(client));
    }

    /// Wakes every client.
    pub fn wake(&self) {
        let clients: Vec<_> = self.clients.lock().values().filter_map(Weak::upgrade).collect();
        for client in clients {
            if let Err(error) = client.assignment() {
                tracing::warn!(%error, "a client of kafka cannot be woken");
            }
            // The thread has another one now, and this must not close here.
            if Arc::strong_count(&client) == 1 {
                close_beside(client);
            }
        }
    }
}
