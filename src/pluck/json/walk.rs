//! One walk over a document: it checks all of it, and notes where the values of pointers stand.
//!
//! Containers that a pointer leads through are gone into, item by item; there are never more of them
//! open than a pointer has tokens. All else is gone past.
#![expect(clippy::inline_always, reason = "code for a processor's vectors takes in no other calls")]

use super::cursor::{Cursor, Invalid};
use super::nesting::Nesting;
use super::scan::Scan;
use super::spans::Spans;
use super::steps::{ROOT, Steps};

/// The memory for a walk, reused for the next.
#[derive(Debug, Default)]
pub(super) struct WalkScratch {
    pub(super) spans: Spans,
    open: Vec<Open>,
    nesting: Nesting,
}

/// A container that is gone into.
#[derive(Debug)]
struct Open {
    step: usize,
    is_object: bool,
    /// Whether the walk is at its opening bracket, and not behind an item.
    is_new: bool,
    /// How many elements are behind, if it is an array.
    elements: usize,
}

/// A walk that is about to begin.
pub(super) struct Walk<'a, 'd, S> {
    steps: &'a Steps,
    cursor: Cursor<'d, S>,
    scratch: &'a mut WalkScratch,
}

impl WalkScratch {
    /// Prepares for the next document.
    pub(super) fn restart(&mut self, steps: &Steps) {
        self.spans.restart(steps.count());
        self.open.clear();
    }

    /// The bytes that are allocated, apart from a few for each step.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.nesting.capacity_bytes()
    }
}

impl<'a, 'd, S: Scan> Walk<'a, 'd, S> {
    /// A walk over `bytes`, for which `scratch` is prepared.
    pub(super) fn new(
        steps: &'a Steps,
        bytes: &'d [u8],
        scratch: &'a mut WalkScratch,
        scan: S,
    ) -> Self {
        Self { steps, cursor: Cursor::new(bytes, scan), scratch }
    }

    /// Walks to the end. Fails if the bytes are not one whole document.
    #[inline(always)]
    pub(super) fn run(mut self) -> Result<(), Invalid> {
        let first = self.cursor.seek_token();
        if let Some(root) = self.enter_value(Some(ROOT), first)? {
            self.pass_open(root)?;
        }
        self.cursor.pass_end()
    }

    #[inline(always)]
    fn pass_open(&mut self, root: Open) -> Result<(), Invalid> {
        let mut open = root;
        loop {
            if let Some(inner) = self.pass_items(&mut open)? {
                self.scratch.open.push(open);
                open = inner;
                continue;
            }
            self.scratch.spans.end(open.step, self.cursor.at());
            match self.scratch.open.pop() {
                Some(outer) => open = outer,
                None => return Ok(()),
            }
        }
    }

    /// Goes past the items of a container. Returns one that is to be gone into, at its opening bracket;
    /// `None` if the container is closed.
    #[inline(always)]
    fn pass_items(&mut self, open: &mut Open) -> Result<Option<Open>, Invalid> {
        let closing = if open.is_object { b'}' } else { b']' };
        let mut is_more = if open.is_new {
            open.is_new = false;
            self.cursor.pass_opening(closing)
        } else {
            self.cursor.pass_separator(closing)?
        };
        while is_more {
            let step = self.enter_item(open)?;
            let first = self.cursor.seek_token();
            if let Some(inner) = self.enter_value(step, first)? {
                return Ok(Some(inner));
            }
            is_more = self.cursor.pass_separator(closing)?;
        }
        Ok(None)
    }

    /// Goes to the value of an item. Returns the step that the value is of, if any.
    #[inline(always)]
    fn enter_item(&mut self, open: &mut Open) -> Result<Option<usize>, Invalid> {
        if open.is_object {
            let name = self.cursor.pass_name()?;
            return Ok(self.steps.member(open.step, name));
        }
        let index = open.elements;
        open.elements += 1;
        Ok(self.steps.element(open.step, index))
    }

    /// Goes past a value that begins here, with `first`; or returns it, if it is to be gone into.
    #[inline(always)]
    fn enter_value(&mut self, step: Option<usize>, first: u8) -> Result<Option<Open>, Invalid> {
        let WalkScratch { spans, nesting, .. } = &mut *self.scratch;
        let Some(step) = step else {
            return self.cursor.pass_value(first, nesting).map(|()| None);
        };
        spans.begin(step, self.cursor.at(), self.steps);
        if matches!(first, b'{' | b'[') && self.steps.goes_on(step) {
            let is_object = first == b'{';
            return Ok(Some(Open { step, is_object, is_new: true, elements: 0 }));
        }
        self.cursor.pass_value(first, nesting)?;
        spans.end(step, self.cursor.at());
        Ok(None)
    }
}
