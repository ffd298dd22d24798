//! Finds a secret in text, as it is or in an encoding that a program might choose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How many characters of a base64 text depend on its neighbours, at either end.
const EDGE: usize = 4;

/// The form in which `text` has the secret. None if it does not.
pub fn find(text: &str, secret: &str) -> Option<&'static str> {
    let bytes = |write: fn(u8) -> String| secret.bytes().map(write).collect::<Vec<_>>();
    let hex = bytes(|byte| format!("{byte:02x}")).concat();
    // A debug format of bytes, as in [104, 117, 110].
    let numbers = bytes(|byte| byte.to_string()).join(", ");
    if text.contains(secret) {
        Some("as it is")
    } else if text.to_lowercase().contains(&hex) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "the-right-password";

    #[test]
    fn a_secret_is_found_in_each_form() {
        for before in ["", "a", "ab", "abc"] {
            let whole = format!("{before}{SECRET}, and more");
            let hex: Vec<_> = whole.bytes().map(|byte| format!("{byte:02X}")).collect();
            assert_eq!(find(&whole, SECRET), Some("as it is"));
            assert_eq!(find(&hex.concat(), SECRET), Some("in hexadecimal"));
            assert_eq!(find(&format!("{:?}", whole.as_bytes()), SECRET), Some("as numbers"));
            assert_eq!(find(&STANDARD_NO_PAD.encode(&whole), SECRET), Some("in base64"));
        }
    }

    #[test]
    fn a_part_of_a_secret_is_none() {
        for text in ["", "the-right-passwor", "<hidden>", "dGhlLXJpZ2h0"] {
            assert_eq!(find(text, SECRET), None, "{text}");
        }
    }
}
