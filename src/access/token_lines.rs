//! The lines of the file of tokens: a name, and the SHA-256 of the token in hexadecimal.
//!
//! So the file has nothing that a caller could use. No message shows a part of a line, since a token
//! may stand in the wrong place.

use super::digest::{Digest, digest};

/// Every token of a call is compared with every line.
const MAX_TOKENS: usize = 1_000;
const MAX_NAME_BYTES: usize = 64;
const SHAPE: &str =
    "write a name, a space and 64 hexadecimal digits, which printf %s TOKEN | sha256sum prints";

/// The names and digests of a file.
///
/// # Errors
///
/// Which line is bad, why, and what to write.
pub(super) fn parse_lines(bytes: &[u8]) -> Result<Vec<(&str, Digest)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("it is not text; {SHAPE}"))?;
    let mut found: Vec<(&str, Digest)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (name, digest) = parse_line(line).map_err(|why| format!("line {number}: {why}"))?;
        if found.iter().any(|(_, other)| *other == digest) {
            return Err(format!("line {number}: an earlier line has this token; leave one out"));
        }
        if found.len() == MAX_TOKENS {
            return Err(format!("it has over {MAX_TOKENS} tokens; use JWTs for so many callers"));
        }
        found.push((name, digest));
    }
    Ok(found)
}

fn parse_line(line: &str) -> Result<(&str, Digest), String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, hex] = words[..] else { return Err(format!("not a name and a digest; {SHAPE}")) };
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if name.len() > MAX_NAME_BYTES || !name.chars().all(is_legal) {
        let cure = "write at most 64 of a-z, A-Z, 0-9, ., _, -, /, : and @";
        return Err(format!("not a token's name; {cure}"));
    }
    let found = from_hex(hex).ok_or_else(|| format!("not a digest; {SHAPE}"))?;
    if [&b""[..], b"\n"].iter().any(|nothing| found == digest(nothing)) {
        return Err(format!("this is the digest of an empty token; {SHAPE}"));
    }
    Ok((name, found))
}

fn from_hex(text: &str) -> Option<Digest> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 2 * size_of::<Digest>() { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(token: &str) -> String {
        digest(token.as_bytes()).map(|byte| format!("{byte:02x}")).concat()
    }

    #[test]
    fn a_line_is_a_name_and_a_digest_and_two_may_have_one_name() {
        let text = format!("# web\nweb {} # the old one\n\n  web\t{}\r\n", hex("a"), hex("b"));
        let expected = [("web", digest(b"a")), ("web", digest(b"b"))];
        assert_eq!(parse_lines(text.as_bytes()).unwrap(), expected);
        assert_eq!(parse_lines(b"").unwrap(), []);
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_of_it_is_shown() {
        for (line, wrong) in [
            ("hunter2".to_owned(), "not a name and a digest"),
            ("web hunter2".to_owned(), "not a digest"),
            (format!("web {} hunter2", hex("a")), "not a name and a digest"),
            (format!("web {}0", hex("a")), "not a digest"),
            (format!("hunter2! {}", hex("a")), "not a token's name"),
            (format!("web {}", hex("")), "an empty token"),
            (format!("web {}", hex("\n")), "an empty token"),
        ] {
            let why = parse_lines(format!("# a comment\n{line}").as_bytes()).unwrap_err();
            assert!(why.starts_with("line 2: ") && why.contains(wrong), "{why}");
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(parse_lines(b"\xff").is_err());
    }

    #[test]
    fn one_token_for_two_names_is_refused() {
        let text = format!("a {}\nb {}", hex("x"), hex("x"));
        assert!(parse_lines(text.as_bytes()).unwrap_err().starts_with("line 2: an earlier line"));
    }

    #[test]
    fn too_many_tokens_are_refused() {
        let lines = |count: usize| {
            let line = |number: usize| format!("a {}\n", hex(&number.to_string()));
            (0..count).map(line).collect::<Vec<_>>().concat()
        };
        assert_eq!(parse_lines(lines(MAX_TOKENS).as_bytes()).unwrap().len(), MAX_TOKENS);
        assert!(parse_lines(lines(MAX_TOKENS + 1).as_bytes()).is_err());
    }
}
