//! Closes the clients that were replaced, one at a time, on a thread of its own.
//!
//! A client that has stalled may stall again while it closes, and keeps its memory until it is
//! closed. The budget has room for one such client. So no client is replaced before the one that
//! was replaced last is closed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;

/// A client closes when it is dropped, and no more is known of it here.
type Replaced = Box<dyn Send>;

pub(super) struct ClientCloser {
    is_reserved: Arc<AtomicBool>,
    clients: SyncSender<(Replaced, Reservation)>,
}

/// The right to close a client. It ends when the client is closed.
struct Reservation(Arc<AtomicBool>);

/// The right to close a client, and the way to do it.
pub(super) struct Closing<'a> {
    closer: &'a ClientCloser,
    reservation: Reservation,
}

impl ClientCloser {
    /// Starts the thread. It ends when this is dropped and no client is being closed.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start() -> io::Result<Self> {
        let (clients, replaced) = sync_channel(1);
        Builder::new().name("close-client".into()).spawn(move || close_all(&replaced))?;
        Ok(Self { is_reserved: Arc::default(), clients })
    }

    /// The right to close the next client; none while one is being closed.
    pub(super) fn reserve(&self) -> Option<Closing<'_>> {
        let is_free = !self.is_reserved.swap(true, Ordering::AcqRel);
        is_free.then(|| Closing {
            closer: self,
            reservation: Reservation(Arc::clone(&self.is_reserved)),
        })
    }
}

impl Closing<'_> {
    pub(super) fn close(self, client: impl Send + 'static) {
        // There is room for the one client that the reservation allows.
        let _ = self.closer.clients.try_send((Box::new(client), self.reservation));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn close_all(replaced: &Receiver<(Replaced, Reservation)>) {
    while let Ok((client, _reservation)) = replaced.recv() {
        drop(client);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_next_client_is_replaced_when_the_one_before_is_closed() {
        let closer = ClientCloser::start().unwrap();
        let first = closer.reserve().expect("no client is being closed");
        assert!(closer.reserve().is_none());
        drop(first);
        let (client, end) = sync_channel::<()>(0);
        closer.reserve().expect("the first one was not needed after all").close(client);
        assert!(end.recv().is_err(), "it is closed");
        while closer.reserve().is_none() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_client_that_does_not_close_keeps_its_place() {
        /// Closes when the test says so.
        struct Stalled(Receiver<()>);
        impl Drop for Stalled {
            fn drop(&mut self) {
                let _ = self.0.recv();
            }
        }
        let closer = ClientCloser::start().unwrap();
        let (close, stalled) = sync_channel(0);
        closer.reserve().unwrap().close(Stalled(stalled));
        assert!(closer.reserve().is_none());
        close.send(()).unwrap();
        while closer.reserve().is_none() {
            thread::yield_now();
        }
    }
}
