//! Measures a document before it is parsed: what the parser will ask for depends on it.
//!
//! Knows how simd-json 0.19 allocates, and of JSON no more than where a string ends. What
//! is measured is never less than what the parser finds, be the bytes JSON or not.

use simd_json::{INPUT_PADDING, Node};

use super::json_text::JsonText;

/// What about a document decides how much memory its parse takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its length.
    pub(super) bytes: usize,
    /// What the parser has an index and a place on the tape for: `{}[]:,` outside
    /// strings and the first character of each scalar.
    pub(super) structurals: usize,
    /// Containers open at once.
    pub(super) depth: usize,
}

impl Shape {
    /// The shape of `payload` if parsing it takes no more than so many bytes.
    pub(super) fn within(payload: &[u8], parsing_bytes: usize) -> Option<Self> {
        // Most have no need to be looked at. Reading one byte by byte is for those few that the
        // quick look makes too much of, such as one with brackets in its strings.
        let ways = [Self::by_length, Self::at_most, Self::exactly];
        let mut shapes = ways.into_iter().map(|measure| measure(payload));
        shapes.find(|shape| shape.parsing_bytes() <= parsing_bytes)
    }

    /// As if it were nothing but brackets that open.
    pub(super) fn by_length(payload: &[u8]) -> Self {
        Self { bytes: payload.len(), structurals: payload.len(), depth: payload.len() }
    }

    /// A quick look: strings are taken for structure too, and each container for the inner of
    /// the one before. Written so that it compiles to vector instructions.
    pub(super) fn at_most(payload: &[u8]) -> Self {
        // Of this many no sum overflows its byte.
        const STRIDE: usize = 128;
        let before = payload.chunks(STRIDE).zip([b' '].iter().chain(ends(payload, STRIDE)));
        let structurals = before.map(|(chunk, &before)| structurals_at_most(before, chunk)).sum();
        let opening = payload.chunks(STRIDE).map(|chunk| {
            usize::from(chunk.iter().map(|&byte| is_one_of(OPENING, byte)).sum::<u8>())
        });
        Self { bytes: payload.len(), structurals, depth: opening.sum() }
    }

    /// What the parser finds in a document; where one is broken, no less than it finds.
    pub(super) fn exactly(payload: &[u8]) -> Self {
        let mut walk = Walk::default();
        for &byte in payload {
            walk.step(byte);
        }
        Self { bytes: payload.len(), structurals: walk.structurals, depth: walk.deepest }
    }

    /// Bytes that are allocated at once, at worst, to parse it and to write it out again.
    pub(super) fn parsing_bytes(&self) -> usize {
        // Our copy of the payload, and room in the parser for a string as long.
        let copies = 2 * (self.bytes + INPUT_PADDING);
        let index = index_capacity(0, *self) * size_of::<u32>();
        let tape = self.structurals * size_of::<Node<'_>>();
        let level = STACK_LEVEL_BYTES + JsonText::LEVEL_BYTES;
        copies + index + tape + self.depth.min(self.structurals) * level
    }
}

/// What the parser's stack has for each level; its type is private.
pub(super) const STACK_LEVEL_BYTES: usize = 3 * size_of::<usize>();

/// How many places the parser's index has after a document, if it had so many before: an
/// eighth of the bytes, and then twice as many until the structurals and a block of them fit.
pub(super) fn index_capacity(before: usize, shape: Shape) -> usize {
    let mut capacity = grown(before, shape.bytes / 8);
    while capacity < shape.structurals + INPUT_PADDING {
        capacity = grown(capacity, capacity + INPUT_PADDING);
    }
    capacity
}

/// The capacity of a vector after so many were reserved.
pub(super) fn grown(capacity: usize, wanted: usize) -> usize {
    if wanted > capacity { wanted.max(2 * capacity) } else { capacity }
}

/// The last byte of each chunk.
fn ends(payload: &[u8], stride: usize) -> impl Iterator<Item = &u8> {
    payload.chunks(stride).filter_map(<[u8]>::last)
}

fn structurals_at_most(before: u8, chunk: &[u8]) -> usize {
    let first = chunk.iter().take(1).map(|&byte| may_be_structural(before, byte));
    let pairs = chunk.iter().zip(chunk.iter().skip(1));
    let rest = pairs.map(|(&before, &byte)| may_be_structural(before, byte));
    usize::from(first.sum::<u8>() + rest.sum::<u8>())
}

/// 1 if so, or else 0. A bool would be short-circuited, and branches keep the compiler from
/// vector instructions.
fn may_be_structural(before: u8, byte: u8) -> u8 {
    const MARKS: &[u8; 7] = b"{}[]:,\"";
    let starts = is_one_of(MARKS, before) | is_one_of(SPACES, before);
    is_one_of(MARKS, byte) | (starts & !is_one_of(SPACES, byte))
}

fn is_one_of<const N: usize>(set: &[u8; N], byte: u8) -> u8 {
    set.iter().fold(0, |found, &one| found | u8::from(one == byte))
}

const OPENING: &[u8; 2] = b"{[";
const CLOSING: &[u8; 2] = b"}]";
const STRUCTURE: &[u8; 6] = b"{}[]:,";
const SPACES: &[u8; 4] = b" \t\n\r";

/// The reading of a document byte by byte.
#[derive(Debug)]
struct Walk {
    in_string: bool,
    escaped: bool,
    /// Whether a scalar begins here unless it is something else.
    at_start: bool,
    structurals: usize,
    depth: usize,
    deepest: usize,
}

impl Default for Walk {
    fn default() -> Self {
        let (in_string, escaped, at_start) = (false, false, true);
        Self { in_string, escaped, at_start, structurals: 0, depth: 0, deepest: 0 }
    }
}

impl Walk {
    fn step(&mut self, byte: u8) {
        let is_quote = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        if is_quote {
            self.in_string = !self.in_string;
            self.structurals += usize::from(self.in_string);
            self.at_start = true;
        } else if !self.in_string {
            self.step_outside(byte);
        }
    }

    fn step_outside(&mut self, byte: u8) {
        let structure = STRUCTURE.contains(&byte);
        let space = SPACES.contains(&byte);
        self.structurals += usize::from(structure || (self.at_start && !space));
        self.at_start = structure || space;
        self.depth += usize::from(OPENING.contains(&byte));
        self.deepest = self.deepest.max(self.depth);
        self.depth = self.depth.saturating_sub(usize::from(CLOSING.contains(&byte)));
    }
}
