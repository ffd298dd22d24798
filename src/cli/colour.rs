//! Whether output is coloured: on a terminal, unless the environment says otherwise.

use std::env;
use std::io::IsTerminal;

/// The colours of words, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Ansi,
}

/// Whether what is written there should have colours.
pub(super) fn is_wanted(out: &impl IsTerminal) -> bool {
    decide(|name| env::var(name).ok(), out.is_terminal())
}

/// The rules of no-color.org and of `CLICOLOR`.
fn decide(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is_one = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    if is_set("NO_COLOR") {
        return false;
    }
    if is_one("CLICOLOR_FORCE") {
        return true;
    }
    let is_off = variable("CLICOLOR").as_deref() == Some("0");
    is_terminal && !is_off && variable("TERM").as_deref() != Some("dumb")
}

impl Paint {
    /// For what is written there.
    pub(super) fn of(out: &impl IsTerminal) -> Self {
        if is_wanted(out) { Self::Ansi } else { Self::Plain }
    }

    /// A word that says that something is well.
    pub(super) fn good(self, word: &str) -> String {
        self.wrap("32", word)
    }

    /// A word that needs attention.
    pub(super) fn warning(self, word: &str) -> String {
        self.wrap("33", word)
    }

    /// A word that says that something is wrong.
    pub(super) fn bad(self, word: &str) -> String {
        self.wrap("1;31", word)
    }

    fn wrap(self, code: &str, word: &str) -> String {
        match self {
            Self::Plain => word.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{word}\u{1b}[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_the_environment_says_otherwise() {
        let of = |set: &[(&str, &str)], is_terminal| {
            let find = |name: &str| set.iter().find(|(key, _)| *key == name);
            decide(|name| find(name).map(|(_, value)| (*value).to_owned()), is_terminal)
        };
        assert!(of(&[], true) && !of(&[], false));
        assert!(!of(&[("NO_COLOR", "1")], true) && of(&[("NO_COLOR", "")], true));
        assert!(of(&[("CLICOLOR_FORCE", "1")], false) && !of(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!of(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!of(&[("CLICOLOR", "0")], true) && of(&[("CLICOLOR", "1")], true));
        assert!(!of(&[("TERM", "dumb")], true));
    }

    #[test]
    fn a_word_without_colours_is_the_word() {
        assert_eq!(Paint::Plain.bad("LOST"), "LOST");
        assert_eq!(Paint::Ansi.bad("LOST"), "\u{1b}[1;31mLOST\u{1b}[0m");
    }
}
