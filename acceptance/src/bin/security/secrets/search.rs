//! Finds a secret in text, as it is or in an encoding that a program might choose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::hex::hex;

/// How many characters of a base64 text depend on its neighbours, at either end.
const EDGE: usize = 4;

/// The form in which `text` has the secret. None if it does not.
pub(super) fn find(text: &str, secret: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    // A debug format of bytes, as in [104, 117, 110].
    let numbers = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    if text.contains(secret) {
        Some("as it is")
    } else if lower.contains(&hex(secret.as_bytes())) {
        Some("in hexadecimal")
    } else if text.contains(&numbers) {
        Some("as numbers")
    } else {
        is_in_base64(text, secret).then_some("in base64")
    }
}

/// At each of the three places where a secret can begin in what is encoded.
fn is_in_base64(text: &str, secret: &str) -> bool {
    (0..3).any(|before| {
        let padded = [&"x".repeat(before), secret].concat();
        let encoded = STANDARD_NO_PAD.encode(padded);
        let middle = encoded.get(EDGE..encoded.len().saturating_sub(EDGE)).unwrap_or_default();
        !middle.is_empty() && text.contains(middle)
    })
}
