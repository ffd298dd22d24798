//! Profiles of the running process: which code allocated the memory in use, and which code takes CPU
//! time.
//!
//! ```text
//! heap: jemalloc's dump -> heap_dump ---------------------\
//!                                                          -> Stacks -> Profile -> pprof
//! CPU:  timer -> signal -> copy of a stack -> unwinding --/                     -> flame graph
//! ```
//!
//! A profile has addresses and names of functions, and nothing of records, keys or values. Names come
//! from the symbol tables of the files that the process has loaded. What a profile takes is bounded by
//! [`BYTES`].

mod cpu;
mod elf;
mod flame;
mod heap_dump;
mod modules;
mod named_stacks;
mod pprof;
mod stacks;
mod symbols;

use std::io::{self, BufReader};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::heap;
use modules::Modules;
use named_stacks::{Kind, NamedStacks};
use stacks::Stacks;
use symbols::Symbols;

/// The most that taking a profile takes, in bytes: copies of stacks, tables for unwinding, distinct
/// stacks and their names. One profile is taken at a time.
pub const BYTES: u64 = 12 << 20;

/// The functions of the allocator that others call.
const ALLOCATING: [&str; 7] =
    ["aligned_alloc", "calloc", "malloc", "mallocx", "posix_memalign", "rallocx", "realloc"];
/// More than the allocator has below them.
const MOST_ALLOCATOR_FRAMES: usize = 16;

/// A profile, with the names of its functions.
#[derive(Debug)]
pub struct Profile(NamedStacks);

impl Profile {
    /// What was allocated since the allocator's profiler was started, `duration` ago, and is still in
    /// use.
    ///
    /// # Errors
    ///
    /// When jemalloc gives no profile, or the files of the process cannot be read.
    pub fn of_heap(duration: Duration) -> io::Result<Self> {
        let stacks = heap_dump::parse(BufReader::new(heap::dump_profile()?))?;
        let mut profile = Self::new(Kind::Heap, duration, stacks, Modules::load()?)?;
        profile.leave_out_allocator();
        Ok(profile)
    }

    /// The CPU time of each thread for so long, or until the sender of `stop` is dropped. Takes a
    /// sample of a thread for each 10 ms of CPU time that it takes.
    ///
    /// # Errors
    ///
    /// When another CPU profile is being taken in this process, or the system refuses a timer.
    pub fn of_cpu(duration: Duration, stop: &Receiver<()>) -> io::Result<Self> {
        let modules = Modules::load()?;
        let stacks = cpu::sample(&modules, duration, stop)?;
        Self::new(Kind::Cpu, duration, stacks, modules)
    }

    fn new(kind: Kind, duration: Duration, stacks: Stacks, modules: Modules) -> io::Result<Self> {
        let symbols = Symbols::of(&stacks, &modules)?;
        Ok(Self(NamedStacks { kind, duration, stacks, symbols, modules }))
    }

    /// Takes away the functions of the allocator, so that what was allocated is by itself with the code
    /// that asked for it.
    fn leave_out_allocator(&mut self) {
        let is_called = |frame: &u64| ALLOCATING.contains(&self.0.symbols.name_of(*frame));
        self.0.stacks = self.0.stacks.cut(|frames| {
            let innermost = frames.get(..MOST_ALLOCATOR_FRAMES).unwrap_or(frames);
            innermost.iter().rposition(is_called).map_or(0, |called| called + 1)
        });
    }

    /// In the form of pprof, compressed by gzip: for `go tool pprof` and all that read its form.
    ///
    /// # Errors
    ///
    /// When it cannot be compressed.
    pub fn to_pprof(&self) -> io::Result<Vec<u8>> {
        pprof::encode(&self.0)
    }

    /// As JSON for the dashboard: a tree of functions, and the functions that are hottest themselves.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn to_flame_graph(&self) -> io::Result<Vec<u8>> {
        flame::encode(&self.0)
    }
}

#[cfg(test)]
mod tests;
