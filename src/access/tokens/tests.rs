//! What becomes of a file of tokens that changes.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::access::tests::{allow, policy};

struct TokenFile {
    folder: TempDir,
    tokens: Tokens,
}

impl TokenFile {
    fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        fs::write(&file, lines(names)).unwrap();
        let policy = Arc::new(policy(&allow("token:*", "*", "*")));
        Self { tokens: Tokens::load(file, policy).unwrap(), folder }
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("tokens"), text).unwrap();
        self.tokens.refresh();
    }

    fn owner(&self, token: &str) -> Option<String> {
        self.tokens.find(&digest(token.as_bytes())).map(|owner| owner.identity().to_string())
    }

    fn stats(&self) -> [u64; 3] {
        let TokenFileStats { tokens, generation, failures } = self.tokens.stats();
        [tokens, generation, failures]
    }
}

/// A line for each name, whose token is "token of NAME".
fn lines(names: &[&str]) -> String {
    let hex = |name| digest(token(name).as_bytes()).map(|byte| format!("{byte:02x}")).concat();
    names.iter().map(|name| format!("{name} {}\n", hex(name))).collect::<Vec<_>>().concat()
}

fn token(name: &str) -> String {
    format!("token of {name}")
}

#[test]
fn a_token_has_the_owner_of_its_line() {
    let file = TokenFile::of(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        assert_eq!(file.owner(&token(name)), Some(format!("token:{name}")));
    }
    assert_eq!(file.owner("token of d"), None);
    assert_eq!(file.owner(""), None);
}

#[test]
fn a_changed_file_is_loaded_and_an_unchanged_one_is_not() {
    let file = TokenFile::of(&["a"]);
    file.tokens.refresh();
    assert_eq!(file.stats(), [1, 1, 0]);
    file.write(&lines(&["b", "c"]));
    assert_eq!(file.stats(), [2, 2, 0]);
    assert_eq!((file.owner(&token("a")), file.owner(&token("b"))), (None, Some("token:b".into())));
}

#[test]
fn a_bad_file_changes_nothing_and_is_counted_once() {
    let file = TokenFile::of(&["a"]);
    for _ in 0..3 {
        file.write("half a li");
    }
    assert_eq!(file.stats(), [1, 1, 1]);
    fs::remove_file(file.folder.path().join("tokens")).unwrap();
    file.tokens.refresh();
    file.tokens.refresh();
    assert_eq!(file.stats(), [1, 1, 2]);
    assert_eq!(file.owner(&token("a")), Some("token:a".into()));
    file.write(&lines(&["b"]));
    assert_eq!(file.stats(), [1, 2, 2]);
}

#[test]
fn a_file_that_is_too_long_is_bad() {
    let file = TokenFile::of(&["a"]);
    file.write(&"#".repeat(MAX_FILE_BYTES + 1));
    assert_eq!(file.stats(), [1, 1, 1]);
}
