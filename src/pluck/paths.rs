//! All of a table's pointers as one tree, matched against a document in one pass.
//!
//! A step of the tree stands after the step that leads to it. So one walk over the
//! steps finds everything: when a step's turn comes its container is known for
//! good, and of a name given twice the last has won, with nothing of the first
//! left behind. Each container on the way is read once; everything else is skipped.

use simd_json::Node;

use super::tape;
use crate::config::Pointer;

/// The compiled pointers.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The first is the whole document.
    steps: Vec<Step>,
}

/// Which of the compiled pointers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathId(usize);

/// Where on the tape each step of the compiled pointers was found; reused from document to
/// document.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Option<usize>>);

#[derive(Debug, Default)]
struct Step {
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    token: Box<str>,
    /// The token as an element's index, where it is one.
    index: Option<usize>,
    to: usize,
}

impl Paths {
    /// Adds a pointer, sharing the steps it has in common with those added before.
    pub(super) fn add(&mut self, pointer: &Pointer) -> PathId {
        if self.steps.is_empty() {
            self.steps.push(Step::default());
        }
        PathId(pointer.tokens().iter().fold(0, |from, token| self.step(from, token)))
    }

    /// Whether no pointer was added, so that no document need be read.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Finds what every pointer leads to in the document that `nodes` are.
    pub(super) fn locate(&self, nodes: &[Node<'_>], found: &mut Found) {
        found.0.clear();
        found.0.resize(self.steps.len(), None);
        found.set(0, 0);
        for (id, step) in self.steps.iter().enumerate() {
            if let Some(at) = found.at(id) {
                step.search(nodes, at, found);
            }
        }
    }

    fn step(&mut self, from: usize, token: &str) -> usize {
        let to = self.steps.len();
        let Some(step) = self.steps.get_mut(from) else { return to };
        if let Some(branch) = step.branches.iter().find(|branch| &*branch.token == token) {
            return branch.to;
        }
        step.branches.push(Branch { token: token.into(), index: array_index(token), to });
        self.steps.push(Step::default());
        to
    }
}

impl Found {
    /// Where the value that a pointer leads to stands, if the document has one.
    pub(super) fn position(&self, path: PathId) -> Option<usize> {
        self.at(path.0)
    }

    fn at(&self, step: usize) -> Option<usize> {
        self.0.get(step).copied().flatten()
    }

    fn set(&mut self, step: usize, position: usize) {
        if let Some(slot) = self.0.get_mut(step) {
            *slot = Some(position);
        }
    }
}

impl Step {
    /// Notes where the container at `at` has what this step's branches ask for.
    fn search(&self, nodes: &[Node<'_>], at: usize, found: &mut Found) {
        if self.branches.is_empty() {
            return;
        }
        match nodes.get(at) {
            Some(Node::Object { .. }) => self.search_object(nodes, at, found),
            Some(Node::Array { .. }) => self.search_array(nodes, at, found),
            Some(Node::String(_) | Node::Static(_)) | None => {}
        }
    }

    fn search_object(&self, nodes: &[Node<'_>], at: usize, found: &mut Found) {
        let mut contents = tape::contents(nodes, at);
        while let (Some(name), Some(value)) = (contents.next(), contents.next()) {
            let Some(Node::String(name)) = nodes.get(name) else { return };
            if let Some(branch) = self.branches.iter().find(|branch| &*branch.token == *name) {
                found.set(branch.to, value);
            }
        }
    }

    fn search_array(&self, nodes: &[Node<'_>], at: usize, found: &mut Found) {
        let Some(last) = self.branches.iter().filter_map(|branch| branch.index).max() else {
            return;
        };
        for (index, element) in tape::contents(nodes, at).enumerate().take(last.saturating_add(1)) {
            if let Some(branch) = self.branches.iter().find(|branch| branch.index == Some(index)) {
                found.set(branch.to, element);
            }
        }
    }
}

/// RFC 6901: digits without a leading zero. "-" is the element after the last, which is none.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}
