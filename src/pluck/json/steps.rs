//! The steps of a table's JSON pointers, as a tree.
//!
//! A step is the value that a pointer's first so many tokens lead to. Pointers share the steps that
//! they have in common.

use super::cursor::{HEAD_BYTES, Name, head};
use super::string::JsonString;
use crate::config::Pointer;

/// The tree of all pointers.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The first step is the whole document. Every step stands behind its parent. Without any pointer
    /// there is none.
    steps: Vec<Step>,
}

/// The number of the step that is the whole document.
pub(super) const ROOT: usize = 0;

#[derive(Debug, Default)]
struct Step {
    parent: usize,
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    token: Box<str>,
    /// The beginning of the token: where it differs from a name's, the rest is not compared.
    head: u64,
    /// The token as the index of an array's element, if it is one.
    index: Option<usize>,
    /// The number of the step that it leads to.
    to: usize,
}

impl Steps {
    /// Adds the steps of a pointer that are not there yet. Returns the number of the last one.
    pub(super) fn add(&mut self, pointer: &Pointer) -> usize {
        if self.steps.is_empty() {
            self.steps.push(Step::default());
        }
        pointer.tokens().iter().fold(ROOT, |from, token| self.step(from, token))
    }

    /// Whether no pointer was added.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many there are, the whole document included.
    pub(super) fn count(&self) -> usize {
        self.steps.len().max(ROOT + 1)
    }

    /// The step that leads to a step.
    pub(super) fn parent(&self, step: usize) -> usize {
        self.steps.get(step).map_or(ROOT, |step| step.parent)
    }

    /// Whether a pointer leads on from a step.
    #[inline]
    pub(super) fn goes_on(&self, step: usize) -> bool {
        !self.branches(step).is_empty()
    }

    /// The step that a member of a step's object is, if a pointer leads to it.
    #[inline]
    pub(super) fn member(&self, step: usize, name: Name<'_>) -> Option<usize> {
        let mut branches = self.branches(step).iter();
        let branch = if name.has_escapes {
            branches.find(|branch| is_written(name.written, &branch.token))
        } else {
            branches.find(|branch| branch.is_named(name))
        };
        branch.map(|branch| branch.to)
    }

    /// The step that an element of a step's array is, if a pointer leads to it.
    #[inline]
    pub(super) fn element(&self, step: usize, index: usize) -> Option<usize> {
        let mut branches = self.branches(step).iter();
        branches.find(|branch| branch.index == Some(index)).map(|branch| branch.to)
    }

    #[inline]
    fn branches(&self, step: usize) -> &[Branch] {
        self.steps.get(step).map_or(&[], |step| &step.branches)
    }

    fn step(&mut self, from: usize, token: &str) -> usize {
        let to = self.steps.len();
        let Some(step) = self.steps.get_mut(from) else { return to };
        if let Some(branch) = step.branches.iter().find(|branch| &*branch.token == token) {
            return branch.to;
        }
        let head = head(token.as_bytes());
        step.branches.push(Branch { token: token.into(), head, index: array_index(token), to });
        self.steps.push(Step { parent: from, branches: Vec::new() });
        to
    }
}

impl Branch {
    /// Whether a name without escapes is the token.
    #[inline]
    fn is_named(&self, name: Name<'_>) -> bool {
        let token = self.token.as_bytes();
        name.head == self.head
            && name.written.len() == token.len()
            && (token.len() <= HEAD_BYTES || name.written == token)
    }
}

/// Whether a name with escapes is the token.
#[cold]
fn is_written(name: &[u8], token: &str) -> bool {
    str::from_utf8(name).is_ok_and(|written| JsonString::written(written).is_equal(token))
}

/// The index that a token is under RFC 6901: digits without a leading zero. "-" stands for the
/// element after the last, which never exists.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a member as a cursor reads it.
    fn name(written: &str) -> Name<'_> {
        let written = written.as_bytes();
        Name { written, head: head(written), has_escapes: written.contains(&b'\\') }
    }

    #[test]
    fn a_name_is_the_token_that_it_equals_in_all_its_bytes() {
        let tokens = ["", "a", "ab", "12345678", "123456789", "12345678X", "a\0", "\u{e9}"];
        let mut steps = Steps::default();
        let numbers = tokens.map(|token| steps.add(&format!("/{token}").parse().unwrap()));
        for (token, number) in tokens.into_iter().zip(numbers) {
            assert_eq!(steps.member(ROOT, name(token)), Some(number), "{token:?}");
        }
        for other in ["b", "aa", "abc", "1234567", "12345679", "12345678Y", "1234567890", "\0"] {
            assert_eq!(steps.member(ROOT, name(other)), None, "{other:?}");
        }
        assert_eq!(steps.member(ROOT, name(r"\u0061b")), steps.member(ROOT, name("ab")));
        assert_eq!(steps.member(ROOT, name(r"\u0061c")), None);
    }
}
