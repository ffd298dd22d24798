//! The files whose code the process has loaded, and where.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::elf::Elf;

/// Code that is loaded from one file.
#[derive(Debug)]
pub(super) struct Module {
    /// The file's path. It may have been replaced since.
    pub(super) path: String,
    /// Where its code is.
    pub(super) code: Range<u64>,
    /// Where in the file its code begins.
    pub(super) offset: u64,
    /// What has to be added to an address of the file for one in memory.
    pub(super) bias: u64,
    /// The file. None if it cannot be read.
    pub(super) elf: Option<Elf>,
}

/// All modules, in the order of their addresses.
#[derive(Debug)]
pub(super) struct Modules(pub(super) Vec<Module>);

impl Modules {
    /// The modules of this process at this moment.
    ///
    /// # Errors
    ///
    /// When the system does not say what is loaded.
    pub(super) fn load() -> io::Result<Self> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        let own = fs::read_link("/proc/self/exe").unwrap_or_default();
        let own = own.to_string_lossy().into_owned();
        Ok(Self(maps.lines().filter_map(mapping).map(|of| module(of, &own)).collect()))
    }

    /// The index of the module that has this address.
    pub(super) fn index_of(&self, address: u64) -> Option<usize> {
        let after = self.0.partition_point(|module| module.code.start <= address);
        let index = after.checked_sub(1)?;
        self.0.get(index).filter(|module| module.code.contains(&address)).map(|_| index)
    }
}

/// The range, the offset and the path of a line of `/proc/self/maps`, if it is code of a file.
fn mapping(line: &str) -> Option<(Range<u64>, u64, String)> {
    let mut words = line.splitn(6, ' ').map(str::trim);
    let (start, end) = words.next()?.split_once('-')?;
    let is_code = words.next()?.contains('x');
    let offset = words.next()?;
    let path = words.nth(2)?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    (is_code && !path.is_empty()).then_some((hex(start)?..hex(end)?, hex(offset)?, path.to_owned()))
}

fn module((code, offset, path): (Range<u64>, u64, String), own: &str) -> Module {
    // The process's own file can be read there even after another took its place.
    let file = if path == own { PathBuf::from("/proc/self/exe") } else { PathBuf::from(&path) };
    let elf = if path.starts_with('/') { Elf::open(&file).ok() } else { None };
    let address = elf.as_ref().and_then(|elf| elf.address_at(offset)).unwrap_or(offset);
    Module { bias: code.start.wrapping_sub(address), path, code, offset, elf }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_files_is_a_module_and_other_memory_is_none() {
        let code = "5a1000-5a3000 r-xp 00002000 fe:00 247026    /usr/bin/a file";
        assert_eq!(mapping(code), Some((0x5a_1000..0x5a_3000, 0x2000, "/usr/bin/a file".into())));
        for other in [
            "5a1000-5a3000 r--p 00002000 fe:00 247026    /usr/bin/file",
            "7f1000-7f3000 r-xp 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(mapping(other), None, "{other}");
        }
    }

    #[test]
    fn the_code_that_runs_is_in_the_module_of_this_program() {
        let modules = Modules::load().unwrap();
        let address = mapping as *const () as u64;
        let module = &modules.0[modules.index_of(address).unwrap()];
        assert!(module.elf.is_some() && module.path.contains("millpond"), "{}", module.path);
        assert_eq!(modules.index_of(1), None);
    }
}
