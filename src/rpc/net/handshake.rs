//! Follows the first frames of a peer, to know when it has set up its connection.
//!
//! A connection is set up when the peer has acknowledged our settings. Until then h2 goes by
//! HTTP/2's own limits and not by ours, so what a peer may send meanwhile has a bound. This file
//! knows the head of a frame and nothing of its content.

/// What every client sends first: 24 bytes.
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// The most that a peer may send before it acknowledges our settings: a full window of data, with
/// its frames' heads, and some requests' headers.
const MAX_BYTES: usize = 96 << 10;

/// How far a peer has come.
#[derive(Debug)]
pub(super) struct Handshake {
    /// Bytes that are not looked at: the preface, and the payloads of frames.
    skip_bytes: usize,
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    all_bytes: usize,
}

/// What is known after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Unfinished,
    Finished,
    /// The peer sends and does not acknowledge.
    TooMuch,
}

impl Handshake {
    pub(super) fn new() -> Self {
        let (head, head_bytes, all_bytes) = ([0; HEAD_BYTES], 0, 0);
        Self { skip_bytes: PREFACE_BYTES, head, head_bytes, all_bytes }
    }

    /// Takes the next bytes of the peer.
    pub(super) fn observe(&mut self, mut bytes: &[u8]) -> Progress {
        self.all_bytes += bytes.len();
        while !bytes.is_empty() {
            let skipped = self.skip_bytes.min(bytes.len());
            self.skip_bytes -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEAD_BYTES - self.head_bytes).min(bytes.len());
            let (head, rest) = bytes.split_at(taken);
            self.head[self.head_bytes..][..taken].copy_from_slice(head);
            self.head_bytes += taken;
            bytes = rest;
            if self.head_bytes == HEAD_BYTES && self.take_head() {
                return Progress::Finished;
            }
        }
        if self.all_bytes > MAX_BYTES { Progress::TooMuch } else { Progress::Unfinished }
    }

    /// Takes the head that is complete, and returns whether it acknowledges our settings. If not, the
    /// rest of its frame is skipped.
    fn take_head(&mut self) -> bool {
        let [length @ .., kind, flags, _, _, _, _] = self.head;
        let [high, middle, low] = length.map(usize::from);
        self.skip_bytes = high << 16 | middle << 8 | low;
        self.head_bytes = 0;
        kind == SETTINGS && flags & ACK != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const ACKNOWLEDGED: &[u8] = &[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0];

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let [.., middle, low] = payload.len().to_be_bytes();
        [&[0, middle, low, kind, 0, 0, 0, 0, 0], payload].concat()
    }

    #[test]
    fn a_peer_is_done_when_it_acknowledges_in_whatever_pieces_its_bytes_come() {
        let early = frame(0, ACKNOWLEDGED);
        let sent = [PREFACE, &frame(SETTINGS, &[7; 12]), &early, ACKNOWLEDGED].concat();
        for size in 1..sent.len() {
            let mut handshake = Handshake::new();
            let mut seen =
                sent.chunks(size).map(|bytes| handshake.observe(bytes)).collect::<Vec<_>>();
            assert_eq!(seen.pop(), Some(Progress::Finished), "in pieces of {size}");
            let are_before = seen.iter().all(|progress| *progress == Progress::Unfinished);
            assert!(are_before, "in pieces of {size}");
        }
    }

    #[test]
    fn a_peer_that_never_acknowledges_may_not_send_much() {
        let mut handshake = Handshake::new();
        assert_eq!(handshake.observe(PREFACE), Progress::Unfinished);
        let data = frame(0, &[0; 16 << 10]);
        let sent = (0..10).map(|_| handshake.observe(&data));
        let allowed = sent.take_while(|progress| *progress == Progress::Unfinished).count();
        assert_eq!(allowed, 5, "a full window of 64 KiB fits");
    }
}
