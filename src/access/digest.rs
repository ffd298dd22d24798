//! SHA-256: what is kept of a token in place of the token.

use ring::digest::SHA256;

/// A SHA-256.
pub(super) type Digest = [u8; 32];

pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut found = Digest::default();
    // A SHA-256 has as many bytes.
    found.copy_from_slice(ring::digest::digest(&SHA256, bytes).as_ref());
    found
}
