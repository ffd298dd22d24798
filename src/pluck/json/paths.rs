//! A table's JSON pointers as one tree, located in a document in one pass.
//!
//! A node of the tree is a step: the value that a pointer's first so many tokens lead to.
//! Every step stands after its parent, so one walk over the steps locates all of them: the
//! value of a step is final before its children are looked up in it. If a name is given
//! twice, the last value counts and nothing of the first is left. Each container on the way
//! is read once, and everything else is skipped.

use simd_json::Node;

use super::document::Document;
use super::nodes::Nodes;
use super::value::JsonValue;
use crate::config::Pointer;

/// The compiled pointers.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// The first step is the whole document.
    steps: Vec<Step>,
}

/// One of the compiled pointers: the number of its last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathId(usize);

/// The position of each step's value among a document's nodes; reused for the next document.
#[derive(Debug, Default)]
pub(crate) struct Positions(Vec<Option<usize>>);

/// A document in which the pointers have been located.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located<'d> {
    document: Document<'d>,
    positions: &'d Positions,
}

#[derive(Debug, Default)]
struct Step {
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    token: Box<str>,
    /// The token as the index of an array's element, if it is one.
    index: Option<usize>,
    /// The number of the step that it leads to.
    to: usize,
}

impl Paths {
    /// Adds a pointer, sharing the steps it has in common with those added before.
    pub(crate) fn add(&mut self, pointer: &Pointer) -> PathId {
        if self.steps.is_empty() {
            self.steps.push(Step::default());
        }
        PathId(pointer.tokens().iter().fold(0, |from, token| self.step(from, token)))
    }

    /// Whether no pointer was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Locates the values of all pointers in a document.
    pub(crate) fn locate<'d>(
        &self,
        document: Document<'d>,
        positions: &'d mut Positions,
    ) -> Located<'d> {
        let nodes = document.nodes();
        positions.0.clear();
        positions.0.resize(self.steps.len(), None);
        positions.set(0, 0);
        for (number, step) in self.steps.iter().enumerate() {
            if let Some(at) = positions.get(number) {
                step.search(nodes, at, positions);
            }
        }
        Located { document, positions }
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

impl<'d> Located<'d> {
    /// The value that a pointer leads to; `None` if the document has nothing there.
    pub(crate) fn value(&self, path: PathId) -> Option<JsonValue<'d>> {
        self.document.value(self.positions.get(path.0)?)
    }
}

impl Positions {
    fn get(&self, step: usize) -> Option<usize> {
        self.0.get(step).copied().flatten()
    }

    fn set(&mut self, step: usize, position: usize) {
        if let Some(slot) = self.0.get_mut(step) {
            *slot = Some(position);
        }
    }
}

impl Step {
    /// Sets the positions of this step's children within its value, at `at`.
    fn search(&self, nodes: Nodes<'_>, at: usize, positions: &mut Positions) {
        if self.branches.is_empty() {
            return;
        }
        match nodes.get(at) {
            Some(Node::Object { .. }) => self.search_object(nodes, at, positions),
            Some(Node::Array { .. }) => self.search_array(nodes, at, positions),
            Some(Node::String(_) | Node::Static(_)) | None => {}
        }
    }

    fn search_object(&self, nodes: Nodes<'_>, at: usize, positions: &mut Positions) {
        let mut contents = nodes.contents(at);
        while let (Some(name), Some(value)) = (contents.next(), contents.next()) {
            let Some(Node::String(name)) = nodes.get(name) else { return };
            if let Some(branch) = self.branches.iter().find(|branch| &*branch.token == *name) {
                positions.set(branch.to, value);
            }
        }
    }

    fn search_array(&self, nodes: Nodes<'_>, at: usize, positions: &mut Positions) {
        let Some(last) = self.branches.iter().filter_map(|branch| branch.index).max() else {
            return;
        };
        for (index, element) in nodes.contents(at).enumerate().take(last.saturating_add(1)) {
            if let Some(branch) = self.branches.iter().find(|branch| branch.index == Some(index)) {
                positions.set(branch.to, element);
            }
        }
    }
}

/// The index that a token is under RFC 6901: digits without a leading zero. "-" stands for the
/// element after the last, which never exists.
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}
