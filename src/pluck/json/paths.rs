//! A table's JSON pointers, located in a document in one walk.
//!
//! If a name is given twice, the last value counts and nothing of the first is left.

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
use super::cursor::Invalid;
use super::located::{Located, PathId};
use super::scan::Portable;
use super::steps::Steps;
use super::walk::{Walk, WalkScratch};
use crate::config::Pointer;
use crate::record::Reject;

/// The compiled pointers.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    steps: Steps,
    scanner: Scanner,
}

/// The code that walks.
#[derive(Debug, Clone, Copy)]
enum Scanner {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

/// The memory to locate the pointers with, reused for the next document.
#[derive(Debug, Default)]
pub(crate) struct LocateScratch(WalkScratch);

impl Paths {
    /// Adds a pointer, sharing the steps it has in common with those added before.
    pub(crate) fn add(&mut self, pointer: &Pointer) -> PathId {
        PathId::new(self.steps.add(pointer))
    }

    /// Walks by the code that runs on every processor.
    pub(crate) fn set_portable(&mut self) {
        self.scanner = Scanner::Portable;
    }

    /// Whether no pointer was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Locates the values of all pointers in a document, and its root in any case.
    ///
    /// # Errors
    ///
    /// Why `payload` is no document: an encoding that is known by its first bytes,
    /// [`Reject::InvalidUtf8`] for other bytes that are not text, whatever else is wrong with them,
    /// or [`Reject::InvalidJson`] for text that is not one whole document.
    pub(crate) fn locate<'d>(
        &self,
        payload: &'d [u8],
        scratch: &'d mut LocateScratch,
    ) -> Result<Located<'d>, Reject> {
        let text = simdutf8::basic::from_utf8(payload);
        let text = text.map_err(|_| other_encoding(payload).unwrap_or(Reject::InvalidUtf8))?;
        match self.walk(payload, &mut scratch.0) {
            Ok(()) => Ok(Located::new(text, &scratch.0.spans)),
            Err(Invalid) => Err(other_encoding(payload).unwrap_or(Reject::InvalidJson)),
        }
    }

    fn walk(&self, bytes: &[u8], scratch: &mut WalkScratch) -> Result<(), Invalid> {
        scratch.restart(&self.steps);
        match self.scanner {
            Scanner::Portable => Walk::new(&self.steps, bytes, scratch, Portable).run(),
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx2(avx2) => Avx2::run(Walk::new(&self.steps, bytes, scratch, avx2)),
        }
    }
}

/// The fastest that this processor has.
impl Default for Scanner {
    fn default() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Portable
    }
}

impl LocateScratch {
    /// The bytes that are allocated, apart from a few for each pointer.
    pub(crate) fn capacity_bytes(&self) -> usize {
        self.0.capacity_bytes()
    }
}

/// The encoding that a payload is known by, by its first byte. No JSON begins with any of these.
fn other_encoding(payload: &[u8]) -> Option<Reject> {
    match payload {
        // Confluent's and Apicurio's framing, and that of AWS Glue.
        [0x00 | 0x03, ..] => Some(Reject::FramedPayload),
        [0x1f, 0x8b, ..] => Some(Reject::CompressedPayload),
        _ => None,
    }
}
