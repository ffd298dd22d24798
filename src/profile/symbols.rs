//! The names of functions.

use std::collections::HashMap;
use std::io;

use super::modules::{Module, Modules};
use super::stacks::Stacks;

/// The most of a name that is kept: generic functions have very long ones.
const MAX_NAME_CHARS: usize = 300;

/// The name of each frame of some stacks.
#[derive(Debug)]
pub(super) struct Symbols {
    /// The distinct names.
    pub(super) names: Vec<String>,
    /// The index of the name of each frame.
    by_frame: HashMap<u64, usize>,
}

impl Symbols {
    /// Finds the names of all frames of these stacks. A frame without one has the name of its module,
    /// or its address.
    ///
    /// # Errors
    ///
    /// When a file of the process cannot be read.
    pub(super) fn of(stacks: &Stacks, modules: &Modules) -> io::Result<Self> {
        let frames = stacks.distinct_frames();
        let mut by_frame = HashMap::new();
        let mut names = Names::default();
        for module in &modules.0 {
            name_frames(&frames, module, |frame, name| {
                by_frame.insert(frame, names.index(name));
            })?;
        }
        for frame in frames {
            by_frame.entry(frame).or_insert_with(|| names.index(fallback(frame, stacks, modules)));
        }
        Ok(Self { names: names.texts, by_frame })
    }

    /// The index of a frame's name.
    pub(super) fn index_of(&self, frame: u64) -> usize {
        self.by_frame.get(&frame).copied().unwrap_or_default()
    }

    /// The name of a frame.
    pub(super) fn name_of(&self, frame: u64) -> &str {
        self.names.get(self.index_of(frame)).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Names {
    texts: Vec<String>,
    by_text: HashMap<String, usize>,
}

impl Names {
    fn index(&mut self, text: String) -> usize {
        *self.by_text.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            self.texts.len() - 1
        })
    }
}

fn name_frames(
    frames: &[u64],
    module: &Module,
    mut named: impl FnMut(u64, String),
) -> io::Result<()> {
    let Some(elf) = &module.elf else { return Ok(()) };
    let first = frames.partition_point(|&frame| frame < module.code.start);
    let end = frames.partition_point(|&frame| frame < module.code.end);
    let Some(frames) = frames.get(first..end).filter(|frames| !frames.is_empty()) else {
        return Ok(());
    };
    let addresses: Vec<_> = frames.iter().map(|frame| frame.wrapping_sub(module.bias)).collect();
    elf.name_functions(&addresses, |index, name| {
        if let Some(frame) = frames.get(index) {
            named(*frame, readable(&name));
        }
    })
}

/// A name as it is in the source, without the hash that compilers add.
fn readable(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name,
    }
}

fn fallback(frame: u64, stacks: &Stacks, modules: &Modules) -> String {
    if let Some(name) = stacks.name_of_frame(frame) {
        return name.to_owned();
    }
    let module = modules.index_of(frame).and_then(|index| modules.0.get(index));
    match module {
        Some(Module { path, .. }) => {
            format!("in {}", path.rsplit('/').next().unwrap_or_default())
        }
        None => format!("{frame:#x}"),
    }
}
