//! A document in which the values of pointers have been located.

use super::spans::Spans;
use super::steps::ROOT;
use super::value::JsonValue;

/// A document with the places of its values; by default no document at all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Located<'d>(Option<(&'d str, &'d Spans)>);

/// One of the compiled pointers: the number of its last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathId(usize);

impl PathId {
    pub(super) fn new(last_step: usize) -> Self {
        Self(last_step)
    }
}

impl<'d> Located<'d> {
    pub(super) fn new(text: &'d str, spans: &'d Spans) -> Self {
        Self(Some((text, spans)))
    }

    /// The value of the whole document; `None` if there is no document.
    pub(crate) fn root(&self) -> Option<JsonValue<'d>> {
        self.step(ROOT)
    }

    /// The value that a pointer leads to; `None` if the document has nothing there.
    pub(crate) fn value(&self, path: PathId) -> Option<JsonValue<'d>> {
        self.step(path.0)
    }

    /// The bytes of a value as it is written, which are never fewer than those of its text; 0 if the
    /// document has nothing there.
    pub(crate) fn written_bytes(&self, path: PathId) -> usize {
        let span = self.0.and_then(|(_, spans)| spans.get(path.0));
        span.map_or(0, |span| span.len())
    }

    fn step(&self, step: usize) -> Option<JsonValue<'d>> {
        let (text, spans) = self.0?;
        text.get(spans.get(step)?).map(JsonValue::written)
    }
}
