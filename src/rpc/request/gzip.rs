//! Unfolds a message that was compressed with gzip, piece by piece.
//!
//! A few bytes may unfold to a thousand times as many. So each piece is charged before it unfolds,
//! and the first byte over the limit ends it.

use std::io::Read;

use flate2::bufread::GzDecoder;
use tonic::{Code, Status};

use crate::rpc::errors;

/// The size of the first piece. Each of the others is as large as all before it.
const FIRST_BYTES: usize = 2 << 10;

/// Unfolds to at most `limit_bytes`. `charge` gets the size before the message grows to it.
pub(super) fn unfold(
    compressed: &[u8],
    limit_bytes: usize,
    mut charge: impl FnMut(usize) -> Result<(), Status>,
) -> Result<Vec<u8>, Status> {
    let mut decoder = GzDecoder::new(compressed);
    let (mut message, mut piece_bytes) = (Vec::new(), FIRST_BYTES);
    loop {
        charge(message.len() + piece_bytes)?;
        message.reserve_exact(piece_bytes);
        let mut piece = decoder.by_ref().take(piece_bytes as u64);
        let unfolded_bytes = piece.read_to_end(&mut message).map_err(|_| broken())?;
        if message.len() > limit_bytes {
            return Err(errors::request_too_large(limit_bytes));
        }
        if unfolded_bytes < piece_bytes {
            break;
        }
        // One byte over the limit is enough to see that there are more.
        piece_bytes = message.len().min(limit_bytes + 1 - message.len());
    }
    if decoder.into_inner().is_empty() { Ok(message) } else { Err(broken()) }
}

fn broken() -> Status {
    errors::malformed(Code::Internal, "the message is no valid gzip")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn folded(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    /// The message, and the most that was charged for it.
    fn unfolded(compressed: &[u8], limit_bytes: usize) -> (Result<Vec<u8>, Code>, usize) {
        let mut charged_bytes = 0;
        let charge = |bytes| {
            charged_bytes = bytes;
            Ok(())
        };
        let message = unfold(compressed, limit_bytes, charge).map_err(|status| status.code());
        (message, charged_bytes)
    }

    #[test]
    fn a_message_of_any_size_up_to_the_limit_unfolds() {
        for size in [0, 1, 2_047, 2_048, 2_049, 4_096, 100_000, 1 << 20] {
            let message: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[1]).collect();
            assert_eq!(unfolded(&folded(&message), 1 << 20).0, Ok(message));
        }
    }

    #[test]
    fn a_message_that_unfolds_to_more_than_its_limit_is_charged_no_more_than_the_limit() {
        let bomb = folded(&vec![0; 4 << 20]);
        assert!(bomb.len() < 10_000);
        let (message, charged_bytes) = unfolded(&bomb, 96 << 10);
        assert_eq!(message, Err(Code::ResourceExhausted));
        assert!(charged_bytes <= (96 << 10) + 1, "{charged_bytes}");
    }

    #[test]
    fn a_message_that_finds_no_room_unfolds_no_further() {
        let mut pieces = 0;
        let charge = |bytes| {
            pieces += 1;
            if bytes <= 8 << 10 { Ok(()) } else { Err(Status::resource_exhausted("full")) }
        };
        let refused = unfold(&folded(&vec![0; 1 << 20]), 1 << 20, charge);
        assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
        assert_eq!(pieces, 4);
    }

    #[test]
    fn what_is_no_gzip_or_not_all_of_it_is_refused() {
        let good = folded(b"a message of some length, a message of some length");
        for end in 0..good.len() {
            assert_eq!(unfolded(&good[..end], 1_000).0, Err(Code::Internal), "{end}");
        }
        let longer = [good.as_slice(), b"x"].concat();
        assert_eq!(unfolded(&longer, 1_000).0, Err(Code::Internal));
        assert_eq!(unfolded(b"plain", 1_000).0, Err(Code::Internal));
    }
}
