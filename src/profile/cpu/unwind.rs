//! Finds the callers in a copy of a stack, by the tables that compilers write for it.

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, MayAllocateDuringUnwind, UnwindRegsNative,
    Unwinder as _, UnwinderNative,
};

use super::sampler::{Registers, Sample};
use crate::profile::modules::{Module, Modules};

/// More frames than any stack has that somebody looks at.
const MAX_FRAMES: usize = 256;

/// The tables of all modules.
pub(super) struct Unwinding {
    unwinder: UnwinderNative<Vec<u8>, MayAllocateDuringUnwind>,
    cache: CacheNative<MayAllocateDuringUnwind>,
}

impl Unwinding {
    /// Reads the tables of these modules.
    pub(super) fn new(modules: &Modules) -> Self {
        let mut unwinder = UnwinderNative::new();
        modules.0.iter().filter_map(tables).for_each(|module| unwinder.add_module(module));
        Self { unwinder, cache: CacheNative::new() }
    }

    /// Adds the frames of a sample, the innermost first: for callers, where the call is. Returns
    /// whether the outermost was found.
    pub(super) fn unwind(&mut self, sample: &Sample, frames: &mut Vec<u64>) -> bool {
        let mut read = |address| sample.stack_at(address).ok_or(());
        let registers = sample.registers;
        let start = native(registers);
        let pc = registers.instruction;
        let mut found = self.unwinder.iter_frames(pc, start, &mut self.cache, &mut read);
        loop {
            match found.next() {
                Ok(Some(frame)) if frames.len() < MAX_FRAMES => {
                    frames.push(frame.address_for_lookup());
                }
                Ok(None) => return true,
                Ok(Some(_)) | Err(_) => return false,
            }
        }
    }
}

fn tables(module: &Module) -> Option<framehop::Module<Vec<u8>>> {
    let elf = module.elf.as_ref()?;
    let (eh_frame_svma, eh_frame) = elf.section(".eh_frame")?;
    let index = elf.section(".eh_frame_hdr");
    let (eh_frame_hdr_svma, eh_frame_hdr) = index.unzip();
    let sections = ExplicitModuleSectionInfo {
        eh_frame_svma: Some(eh_frame_svma),
        eh_frame: Some(eh_frame),
        eh_frame_hdr_svma,
        eh_frame_hdr,
        ..ExplicitModuleSectionInfo::default()
    };
    Some(framehop::Module::new(module.path.clone(), module.code.clone(), module.bias, sections))
}

#[cfg(target_arch = "x86_64")]
fn native(registers: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.instruction, registers.stack, registers.frame)
}

#[cfg(target_arch = "aarch64")]
fn native(registers: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.link, registers.stack, registers.frame)
}
