//! Responses without a call, for the tests of what is written to them.

use prost::bytes::Buf;

use super::*;
use crate::rpc::pool::{BytePool, Permit, Purpose};
use crate::stats::ShedCause;

/// A permit of a pool that is large enough.
fn large_permit() -> Permit {
    BytePool::new(1 << 30).connect().new_permit(Purpose::Answer)
}

/// Writes a response of exactly this size.
pub(in crate::rpc) fn fill(buffer: &mut ResponseBuffer, kib: usize) {
    let frame = vec![b'x'; kib << 10];
    buffer.put(&frame[5..]);
}

/// A buffer with all that is written, under a permit that is large enough.
pub(in crate::rpc) fn buffered(write: impl FnOnce(&mut ResponseBuffer)) -> ResponseBuffer {
    let mut buffer = ResponseBuffer::new(large_permit());
    write(&mut buffer);
    buffer
}

/// The message that is written, without its frame header, under a permit that is large enough.
pub(in crate::rpc) fn encoded(write: impl FnOnce(&mut ResponseBuffer)) -> Vec<u8> {
    let buffer = buffered(write);
    let message_bytes = buffer.message_bytes();
    let mut response = buffer.finish().unwrap();
    let mut frame = Vec::new();
    while let Some(piece) = response.next_piece() {
        frame.extend_from_slice(&piece);
    }
    let mut header = frame.as_slice();
    assert_eq!(header.get_u8(), 0, "it is not compressed");
    assert_eq!(header.get_u32() as usize, message_bytes);
    assert_eq!(header.len(), message_bytes);
    frame.split_off(5)
}

#[test]
fn bytes_that_are_written_in_parts_are_sent_in_their_order() {
    for part_bytes in [1, 7, 500, 4_000, 8_192, 30_000] {
        let text: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let sent = encoded(|buffer| text.chunks(part_bytes).for_each(|part| buffer.put(part)));
        assert!(sent == text, "in parts of {part_bytes}");
    }
}

#[test]
fn a_response_that_finds_no_room_holds_nothing_and_says_how_much_it_needs() {
    let pool = BytePool::new(1 << 20);
    let share = pool.connect();
    let mut held = share.new_permit(Purpose::Answer);
    held.grow_to(176 << 10).unwrap();
    let mut buffer = ResponseBuffer::new(share.new_permit(Purpose::Answer));
    fill(&mut buffer, 32);
    assert_eq!(pool.stats().held_bytes, 176 << 10, "it took some bytes and gave them back");
    let refused = Refused { cause: ShedCause::PoolFull, needed_bytes: 32 << 10 };
    assert_eq!(buffer.finish().err(), Some(refused));
}
