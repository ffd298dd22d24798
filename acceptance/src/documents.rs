//! JSON documents: fields of all types around the two that are plucked, and ways to break a
//! document.
//!
//! Knows nothing of the records that the documents are for.

use std::fmt::Write;

use fastrand::Rng;

/// The largest valid document. millpond accepts 1 MiB by default.
const LARGEST_BYTES: usize = 1_000_000;
/// The size of a document that is too large.
const TOO_LARGE_BYTES: usize = 1_500_000;
/// The most opening brackets of a broken document. Nesting is what costs a parser most.
const BRACKETS: usize = 1 << 20;
/// The number of pieces that documents are combined from. It exceeds the number of records in a
/// batch: a batch compresses to about a fifth, as real ones do, and not to almost nothing.
const PIECES: usize = 8_192;
const DEEPEST: usize = 24;

/// A stock of pieces, from which documents are made.
#[derive(Debug)]
pub struct Documents {
    /// Items of the field `events`, each a JSON object.
    pieces: Vec<String>,
}

impl Documents {
    /// Draws the stock.
    pub fn new(rng: &mut Rng) -> Self {
        Self { pieces: (0..PIECES).map(|number| piece(number, rng)).collect() }
    }

    /// A document with this key and value, and about `bytes` around them. The two fields come
    /// either first or last.
    pub fn document(&self, key: &str, value: &str, bytes: usize, rng: &mut Rng) -> String {
        let value = serde_json::Value::from(value).to_string();
        let plucked = format!(r#""id":"{key}","description":{value}"#);
        let bytes = bytes.min(LARGEST_BYTES.saturating_sub(plucked.len()));
        let noise = self.noise(bytes, rng);
        if rng.bool() { format!("{{{plucked},{noise}}}") } else { format!("{{{noise},{plucked}}}") }
    }

    fn noise(&self, bytes: usize, rng: &mut Rng) -> String {
        let mut noise = format!(
            r#""schema":"service.v3","revision":{},"load":{},"active":{},"meta":{{"owner":{{"team":"t{}","mail":"on-call@example.org"}},"labels":{{"tier":"{}","region":"eu-west"}},"parent":null}},"events":[{{}}"#,
            rng.u32(..),
            rng.f64(),
            rng.bool(),
            rng.u8(..),
            rng.u8(..4),
        );
        loop {
            let piece = rng.choice(&self.pieces).map_or("{}", String::as_str);
            if noise.len() + piece.len() + 2 > bytes {
                break;
            }
            noise.push(',');
            noise.push_str(piece);
        }
        noise.push(']');
        noise
    }
}

fn piece(number: usize, rng: &mut Rng) -> String {
    let depth = rng.usize(..DEEPEST);
    let mut piece = format!(
        r#"{{"at":"2026-03-0{}T12:00:00Z","kind":"deploy","ok":{},"cost":{},"note":"rolled out № {number} — \"fine\" 🎉","path":"#,
        rng.u8(1..=9),
        rng.bool(),
        rng.f64() * 1e6,
    );
    piece.push_str(&r#"{"in":["#.repeat(depth));
    let numbers: Vec<u32> = (0..rng.usize(1..40)).map(|_| rng.u32(..)).collect();
    // Writing to a String cannot fail.
    let _ = write!(piece, "{numbers:?}");
    piece.push_str(&"]}".repeat(depth));
    piece.push('}');
    piece
}

/// How a document is broken.
#[derive(Debug, Clone, Copy)]
pub enum Broken {
    /// Its end is missing.
    CutOff,
    /// One byte in it is not UTF-8.
    NotUtf8,
    /// It is empty.
    Empty,
    /// It has everything but the key.
    WithoutKey,
    /// It is this many opening brackets.
    Brackets(usize),
    /// It is larger than millpond accepts.
    TooLarge,
}

impl Broken {
    /// A random way to break a document.
    pub fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..6) {
            0 => Self::CutOff,
            1 => Self::NotUtf8,
            2 => Self::Empty,
            3 => Self::WithoutKey,
            4 => Self::Brackets(rng.usize(1..=BRACKETS)),
            _ => Self::TooLarge,
        }
    }

    /// Breaks `whole`.
    pub fn of(self, whole: &str, documents: &Documents) -> Vec<u8> {
        let mut bytes = whole.as_bytes().to_vec();
        let middle = bytes.len() / 2;
        match self {
            Self::CutOff => bytes.truncate(middle),
            Self::NotUtf8 => bytes.insert(middle, 0xff),
            Self::Empty => bytes.clear(),
            Self::WithoutKey => {
                let rest = documents.noise(middle, &mut Rng::with_seed(middle as u64));
                bytes = format!("{{{rest}}}").into_bytes();
            }
            Self::Brackets(depth) => bytes = vec![b'['; depth],
            Self::TooLarge => bytes.resize(TOO_LARGE_BYTES, b' '),
        }
        bytes
    }
}
