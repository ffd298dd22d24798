//! Where the values of a table's pointers stand in a document.

use std::ops::Range;

use super::steps::Steps;

/// The place of each step's value; reused for the next document.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Span>);

/// The bytes of a value. A value has a byte at least, so `end` is 0 just if none was found.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
}

impl Spans {
    /// Forgets all, for a document in which so many steps may be found.
    pub(super) fn restart(&mut self, steps: usize) {
        self.0.clear();
        self.0.resize(steps, Span::default());
    }

    /// Notes where a step's value begins. If the step was found before, its name is given twice, and
    /// nothing of the first value is left.
    #[inline]
    pub(super) fn begin(&mut self, step: usize, start: usize, tree: &Steps) {
        if self.is_found(step) {
            self.forget(step, tree);
        }
        if let Some(span) = self.0.get_mut(step) {
            span.start = start;
        }
    }

    /// Notes where the value that was begun ends.
    #[inline]
    pub(super) fn end(&mut self, step: usize, end: usize) {
        if let Some(span) = self.0.get_mut(step) {
            span.end = end;
        }
    }

    /// The bytes of a step's value; `None` if it was not found.
    pub(super) fn get(&self, step: usize) -> Option<Range<usize>> {
        self.0.get(step).filter(|span| span.end > 0).map(|span| span.start..span.end)
    }

    fn is_found(&self, step: usize) -> bool {
        self.0.get(step).is_some_and(|span| span.end > 0)
    }

    /// Forgets a step and all that it leads to. Every step has a higher number than its parent.
    fn forget(&mut self, step: usize, tree: &Steps) {
        self.end(step, 0);
        for later in step + 1..self.0.len() {
            let parent = tree.parent(later);
            // A step before this one may be an object that is still open.
            if parent >= step && !self.is_found(parent) {
                self.end(later, 0);
            }
        }
    }
}
