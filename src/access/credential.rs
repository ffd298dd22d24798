//! The `authorization` header of a call: one header, `Bearer`, and a token that is not very long.

use crate::stats::DenialReason;

/// The longest header. A longer one is refused before anything is computed from it.
const MAX_BYTES: usize = 6 << 10;
const SCHEME: &str = "bearer ";

/// The token of the headers. None if there is no header.
pub(super) fn token<'a>(
    mut headers: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a str>, DenialReason> {
    let Some(header) = headers.next() else { return Ok(None) };
    let token = bearer_token(header).filter(|_| headers.next().is_none());
    token.map(Some).ok_or(DenialReason::MalformedHeader)
}

fn bearer_token(header: &[u8]) -> Option<&str> {
    if header.len() > MAX_BYTES {
        return None;
    }
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, token) = header.split_at_checked(SCHEME.len())?;
    let token = token.trim_matches(' ');
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case(SCHEME) && is_plain).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(headers: &[&[u8]]) -> Result<Option<String>, DenialReason> {
        token(headers.iter().copied()).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn one_header_with_one_token_counts() {
        assert_eq!(token_of(&[]), Ok(None));
        for header in [&b"Bearer abc"[..], b"bearer abc", b"BEARER  abc "] {
            assert_eq!(token_of(&[header]), Ok(Some("abc".to_owned())));
        }
    }

    #[test]
    fn any_other_header_is_malformed() {
        let long = [&b"Bearer "[..], &vec![b'a'; 1 << 20]].concat();
        let odd: [&[u8]; 8] = [
            b"",
            b"Bearer",
            b"Bearer ",
            b"Basic abc",
            b"Bearer a b",
            b"Bearer \xff",
            b"abc",
            &long,
        ];
        for header in odd {
            assert_eq!(token_of(&[header]), Err(DenialReason::MalformedHeader));
        }
        assert_eq!(token_of(&[b"Bearer a", b"Bearer a"]), Err(DenialReason::MalformedHeader));
    }
}
