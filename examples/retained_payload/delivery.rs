//! Delivery of messages as `Bytes`, as client libraries do it: each one in its own memory, or cut
//! from a larger fetched buffer.
//!
//! It keeps no message: a message lives as long as its receiver keeps a part of it.

use bytes::Bytes;

use crate::events::Events;

/// Bytes of the fetched buffer of a message set.
pub(crate) const SET_BYTES: usize = 64 << 10;

/// The allocation that a message is part of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    /// Its own: the message was copied out of the fetched buffer.
    Alone,
    /// That of the message set in which it was fetched.
    InSets,
}

/// The messages of all fetches, in order.
pub(crate) struct Fetches {
    delivery: Delivery,
    events: Events,
    left: u32,
}

impl Delivery {
    pub(crate) fn of(self, messages: u32) -> Fetches {
        Fetches { delivery: self, events: Events::new(), left: messages }
    }
}

impl Iterator for Fetches {
    type Item = Vec<Bytes>;

    fn next(&mut self) -> Option<Vec<Bytes>> {
        (self.left > 0).then(|| match self.delivery {
            Delivery::Alone => vec![self.alone()],
            Delivery::InSets => self.set(),
        })
    }
}

impl Fetches {
    fn alone(&mut self) -> Bytes {
        let message = Bytes::copy_from_slice(self.events.current());
        self.advance();
        message
    }

    fn set(&mut self) -> Vec<Bytes> {
        let mut buffer = Vec::with_capacity(SET_BYTES);
        let mut ends = vec![0];
        while self.left > 0 && buffer.len() + self.events.current().len() <= SET_BYTES {
            buffer.extend_from_slice(self.events.current());
            ends.push(buffer.len());
            self.advance();
        }
        let buffer = Bytes::from(buffer);
        ends.windows(2).map(|ends| buffer.slice(ends[0]..ends[1])).collect()
    }

    fn advance(&mut self) {
        self.events.advance();
        self.left -= 1;
    }
}
