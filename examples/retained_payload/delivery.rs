//! How messages come in: as `Bytes`, as a client library gives them, each in memory of
//! its own or cut from a larger buffer that was fetched as one.
//!
//! Holds none of them: what was delivered lives as long as its receiver keeps a part.

use bytes::Bytes;

use crate::events::Events;

/// Bytes of the buffer that a message set is fetched into.
pub(crate) const SET_BYTES: usize = 64 << 10;

/// What a message's memory is a part of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    /// Nothing: it was copied out of the fetched buffer.
    Alone,
    /// The message set it was fetched in.
    InSets,
}

/// The messages of each fetch, in turn.
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
