//! Follows the frames that a peer sends, by their heads.
//!
//! The content of a frame is h2's alone.

/// What every client sends first: 24 bytes.
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// A frame of data with less than this counts as small, for h2 too: it keeps as much of its own.
const SMALL_BYTES: usize = 256;

/// Where a connection is between the frames of its peer.
#[derive(Debug)]
pub(super) struct FrameHeads {
    /// Bytes that are not looked at: the preface, and the payloads of frames.
    skip_bytes: usize,
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
}

/// What stands before the payload of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    payload_bytes: usize,
    kind: u8,
    flags: u8,
}

impl FrameHead {
    /// The peer has read our settings, and goes by them from here on.
    pub(super) fn acknowledges_settings(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0
    }

    pub(super) fn is_small_data(self) -> bool {
        self.kind == DATA && self.payload_bytes < SMALL_BYTES
    }
}

impl FrameHeads {
    /// Of a connection whose peer has sent nothing yet.
    pub(super) fn new() -> Self {
        Self { skip_bytes: PREFACE_BYTES, head: [0; HEAD_BYTES], head_bytes: 0 }
    }

    /// Takes from the next bytes of the peer up to the end of a head. None: the bytes are all taken,
    /// and no further head ends in them.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<FrameHead> {
        let skipped = self.skip_bytes.min(bytes.len());
        self.skip_bytes -= skipped;
        *bytes = &bytes[skipped..];
        let taken = (HEAD_BYTES - self.head_bytes).min(bytes.len());
        let (head, rest) = bytes.split_at(taken);
        self.head[self.head_bytes..][..taken].copy_from_slice(head);
        self.head_bytes += taken;
        *bytes = rest;
        (self.head_bytes == HEAD_BYTES).then(|| self.take_head())
    }

    /// Takes the head that is complete. The payload of its frame is skipped.
    fn take_head(&mut self) -> FrameHead {
        let [length @ .., kind, flags, _, _, _, _] = self.head;
        let [high, middle, low] = length.map(usize::from);
        self.skip_bytes = high << 16 | middle << 8 | low;
        self.head_bytes = 0;
        FrameHead { payload_bytes: self.skip_bytes, kind, flags }
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
    fn each_head_is_seen_once_in_whatever_pieces_its_bytes_come() {
        let misleading = frame(DATA, &ACKNOWLEDGED.repeat(30));
        let small = frame(DATA, &[0; SMALL_BYTES - 1]);
        let sent =
            [PREFACE, &frame(SETTINGS, &[7; 12]), &misleading, &small, ACKNOWLEDGED].concat();
        for size in 1..sent.len() {
            let mut heads = FrameHeads::new();
            let mut seen = Vec::new();
            for mut piece in sent.chunks(size) {
                seen.extend(std::iter::from_fn(|| heads.next(&mut piece)));
            }
            let traits =
                seen.iter().map(|head| (head.is_small_data(), head.acknowledges_settings()));
            let expected = [(false, false), (false, false), (true, false), (false, true)];
            assert!(traits.eq(expected), "in pieces of {size}: {seen:?}");
        }
    }
}
