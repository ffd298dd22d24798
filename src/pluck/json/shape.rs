//! Measures a payload before it is parsed, and says how much memory its parse takes.
//!
//! Knows how simd-json 0.19 allocates, and of JSON no more than where a string ends. A
//! measure is never less than what the parser finds, whether the payload is JSON or not.

use simd_json::{INPUT_PADDING, Node};

use super::text::JsonText;

/// The properties of a payload that decide how much memory its parse takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The length of the payload.
    pub(crate) bytes: usize,
    /// Characters for which the parser has an index and a node: `{}[]:,` outside strings and
    /// the first character of each scalar.
    pub(crate) structurals: usize,
    /// How many containers are open at once.
    pub(crate) depth: usize,
}

impl Shape {
    /// A shape of `payload` by which its parse takes at most `max_bytes`; `None` if it takes more.
    pub(crate) fn within(payload: &[u8], max_bytes: usize) -> Option<Self> {
        // The length is enough for most payloads. The exact measure goes byte by byte, and is
        // for the few that the quick one overrates, such as one with brackets in its strings.
        let measures = [Self::by_length, Self::at_most, Self::exactly];
        let mut shapes = measures.into_iter().map(|measure| measure(payload));
        shapes.find(|shape| shape.parsing_bytes() <= max_bytes)
    }

    /// The shape if every byte were an opening bracket.
    pub(crate) fn by_length(payload: &[u8]) -> Self {
        Self { bytes: payload.len(), structurals: payload.len(), depth: payload.len() }
    }

    /// A quick measure. It takes strings for structure, and every container for one inside the
    /// container before it. Written so that it compiles to vector instructions.
    pub(crate) fn at_most(payload: &[u8]) -> Self {
        // Sums of this many bytes do not overflow a byte.
        const STRIDE: usize = 128;
        let before = payload.chunks(STRIDE).zip([b' '].iter().chain(ends(payload, STRIDE)));
        let structurals = before.map(|(chunk, &before)| structurals_at_most(before, chunk)).sum();
        let opening = payload.chunks(STRIDE).map(|chunk| {
            usize::from(chunk.iter().map(|&byte| matches_any(OPENING, byte)).sum::<u8>())
        });
        Self { bytes: payload.len(), structurals, depth: opening.sum() }
    }

    /// What the parser finds in a document; if it is broken, no less than the parser finds.
    pub(crate) fn exactly(payload: &[u8]) -> Self {
        let mut walk = Walk::default();
        for &byte in payload {
            walk.step(byte);
        }
        Self { bytes: payload.len(), structurals: walk.structurals, depth: walk.deepest }
    }

    /// The most bytes that are allocated at once to parse the payload and to write it again.
    pub(crate) fn parsing_bytes(&self) -> usize {
        // Our copy of the payload, and the parser's buffer for a string of the same length.
        let copies = 2 * (self.bytes + INPUT_PADDING);
        let index = index_capacity(0, *self) * size_of::<u32>();
        let tape = self.structurals * size_of::<Node<'_>>();
        let level = STACK_LEVEL_BYTES + JsonText::LEVEL_BYTES;
        copies + index + tape + self.depth.min(self.structurals) * level
    }
}

/// What each level takes of the parser's stack, the type of which is private.
pub(super) const STACK_LEVEL_BYTES: usize = 3 * size_of::<usize>();

/// The capacity of the parser's index after a document, if it was `before` before: an eighth of
/// the bytes, doubled until the structural characters and one more block of them fit.
pub(super) fn index_capacity(before: usize, shape: Shape) -> usize {
    let mut capacity = grown(before, shape.bytes / 8);
    while capacity < shape.structurals + INPUT_PADDING {
        capacity = grown(capacity, capacity + INPUT_PADDING);
    }
    capacity
}

/// The capacity of a vector after `wanted` were reserved in it.
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

/// 1 if `byte` may be a structural character, or else 0. A bool would be short-circuited, and
/// branches keep the compiler from vector instructions.
fn may_be_structural(before: u8, byte: u8) -> u8 {
    const MARKS: &[u8; 7] = b"{}[]:,\"";
    let starts = matches_any(MARKS, before) | matches_any(SPACES, before);
    matches_any(MARKS, byte) | (starts & !matches_any(SPACES, byte))
}

fn matches_any<const N: usize>(set: &[u8; N], byte: u8) -> u8 {
    set.iter().fold(0, |found, &one| found | u8::from(one == byte))
}

const OPENING: &[u8; 2] = b"{[";
const CLOSING: &[u8; 2] = b"}]";
const STRUCTURE: &[u8; 6] = b"{}[]:,";
const SPACES: &[u8; 4] = b" \t\n\r";

/// The exact measure, byte by byte.
#[derive(Debug)]
struct Walk {
    in_string: bool,
    escaped: bool,
    /// Whether a scalar starts here, if the byte belongs to one.
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
