//! Reads what profiles need of an ELF file: its sections, and the names of functions.
//!
//! Only what is asked for is read, and a file that is damaged gives nothing or wrong names, and
//! never a fault.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The size of an entry of a symbol table, and how many are read at once.
const SYMBOL_BYTES: usize = 24;
const SYMBOLS_AT_ONCE: u64 = 4096;
/// More than any name that a person reads.
const MAX_NAME_BYTES: usize = 1 << 10;
/// More than any section that is read whole has.
const MAX_SECTION_BYTES: u64 = 16 << 20;
/// More than any file has.
const MAX_HEADERS: u16 = 1024;

const SYMTAB: u32 = 2;
const DYNSYM: u32 = 11;
const LOAD: u32 = 1;
const EXECUTABLE: u32 = 1;
const FUNCTION: u8 = 2;
const INDIRECT_FUNCTION: u8 = 10;

/// A file with 64 bits and the least significant byte first, as on all platforms of the service.
#[derive(Debug)]
pub(super) struct Elf {
    file: File,
    code: Vec<Segment>,
    sections: Vec<Section>,
}

/// A part of the file that is loaded as code.
#[derive(Debug)]
struct Segment {
    offset: u64,
    address: u64,
    bytes: u64,
    /// It is loaded from the last multiple of this before its offset on.
    alignment: u64,
}

#[derive(Debug)]
struct Section {
    name: String,
    kind: u32,
    address: u64,
    offset: u64,
    bytes: u64,
    link: u32,
}

impl Elf {
    /// Opens a file and reads its headers.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no such file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let head = read(&file, 0, 64)?;
        if !head.starts_with(b"\x7fELF\x02\x01") {
            return Err(io::Error::other("no ELF file of 64 bits"));
        }
        let segments = headers(&file, u64_at(&head, 32), u16_at(&head, 54), u16_at(&head, 56))?;
        let sections = headers(&file, u64_at(&head, 40), u16_at(&head, 58), u16_at(&head, 60))?;
        let is_code = |of: &&Vec<u8>| u32_at(of, 0) == LOAD && u32_at(of, 4) & EXECUTABLE != 0;
        let code = segments.iter().filter(is_code).map(|of| segment(of)).collect();
        let names =
            sections.get(usize::from(u16_at(&head, 62))).map(|of| section(of, String::new()));
        let with_name = |of: &Vec<u8>| {
            let at = names.as_ref().map(|names| names.offset + u64::from(u32_at(of, 0)));
            section(of, at.and_then(|at| text(&file, at)).unwrap_or_default())
        };
        let sections = sections.iter().map(with_name).collect();
        Ok(Self { file, code, sections })
    }

    /// The address of code that is loaded from this offset of the file.
    pub(super) fn address_at(&self, offset: u64) -> Option<u64> {
        let has_it = |of: &&Segment| {
            let begin = of.offset - of.offset % of.alignment.max(1);
            offset >= begin && offset < of.offset.saturating_add(of.bytes)
        };
        let segment = self.code.iter().find(has_it)?;
        Some(segment.address.wrapping_add(offset).wrapping_sub(segment.offset))
    }

    /// The addresses and the bytes of a section.
    pub(super) fn section(&self, name: &str) -> Option<(Range<u64>, Vec<u8>)> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        let bytes = usize::try_from(section.bytes.min(MAX_SECTION_BYTES)).ok()?;
        let bytes = read(&self.file, section.offset, bytes).ok()?;
        Some((section.address..section.address.saturating_add(section.bytes), bytes))
    }

    /// Calls back with an index into `addresses`, which are in order, and the name of the function
    /// that has this address, for each that has one.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(super) fn name_functions(
        &self,
        addresses: &[u64],
        mut report: impl FnMut(usize, String),
    ) -> io::Result<()> {
        let of_kind = |kind| self.sections.iter().find(move |section| section.kind == kind);
        // A file that was stripped has only the names that other files may use.
        let Some(table) = of_kind(SYMTAB).or_else(|| of_kind(DYNSYM)) else { return Ok(()) };
        let names = usize::try_from(table.link).ok().and_then(|link| self.sections.get(link));
        let names_offset = names.map_or(0, |names| names.offset);
        let (mut at, end) = (table.offset, table.offset.saturating_add(table.bytes));
        while at < end {
            let bytes = (end - at).min(SYMBOLS_AT_ONCE * SYMBOL_BYTES as u64);
            let symbols = read(&self.file, at, usize::try_from(bytes).unwrap_or_default())?;
            for symbol in symbols.chunks_exact(SYMBOL_BYTES) {
                let found = within(addresses, symbol);
                if !found.is_empty()
                    && let Some(name) =
                        text(&self.file, names_offset + u64::from(u32_at(symbol, 0)))
                {
                    found.for_each(|index| report(index, name.clone()));
                }
            }
            at += bytes;
        }
        Ok(())
    }
}

/// Which of the addresses, which are in order, are in this function.
fn within(addresses: &[u64], symbol: &[u8]) -> Range<usize> {
    let is_function = [FUNCTION, INDIRECT_FUNCTION].contains(&(symbol[4] & 0xf));
    let (start, bytes) = (u64_at(symbol, 8), u64_at(symbol, 16));
    if !is_function || u16_at(symbol, 6) == 0 {
        return 0..0;
    }
    let first = addresses.partition_point(|&address| address < start);
    let end = addresses.partition_point(|&address| address < start.saturating_add(bytes));
    first..end.max(first)
}

fn segment(header: &[u8]) -> Segment {
    Segment {
        offset: u64_at(header, 8),
        address: u64_at(header, 16),
        bytes: u64_at(header, 32),
        alignment: u64_at(header, 48),
    }
}

fn section(header: &[u8], name: String) -> Section {
    Section {
        name,
        kind: u32_at(header, 4),
        address: u64_at(header, 16),
        offset: u64_at(header, 24),
        bytes: u64_at(header, 32),
        link: u32_at(header, 40),
    }
}

/// So many headers of a size, from an offset on.
fn headers(file: &File, offset: u64, bytes: u16, count: u16) -> io::Result<Vec<Vec<u8>>> {
    // All fields that are read are in the first 56 or 64 bytes.
    if count == 0 || bytes < 56 {
        return Ok(Vec::new());
    }
    let all = read(file, offset, usize::from(bytes) * usize::from(count.min(MAX_HEADERS)))?;
    Ok(all.chunks_exact(usize::from(bytes)).map(<[u8]>::to_vec).collect())
}

fn read(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut read = vec![0; bytes];
    file.read_exact_at(&mut read, offset)?;
    Ok(read)
}

/// The text at an offset, up to its end.
fn text(file: &File, offset: u64) -> Option<String> {
    let mut bytes = [0; MAX_NAME_BYTES];
    let read = file.read_at(&mut bytes, offset).ok()?;
    let text = bytes.get(..read)?.split(|&byte| byte == 0).next()?;
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_damaged_file_is_refused_or_gives_nothing() {
        let whole = fs::read("/proc/self/exe").unwrap();
        let mut head = whole[..4096.min(whole.len())].to_vec();
        let file = tempfile::NamedTempFile::new().unwrap();
        for end in [0, 5, 63, 64, 1000] {
            fs::write(file.path(), &head[..end]).unwrap();
            assert!(Elf::open(file.path()).is_err(), "{end}");
        }
        // Offsets and counts that lead nowhere.
        head[32..64].fill(0xff);
        fs::write(file.path(), &head).unwrap();
        assert!(Elf::open(file.path()).is_err());
        fs::write(file.path(), "#!/bin/sh\n".repeat(20)).unwrap();
        assert!(Elf::open(file.path()).is_err());
    }
}
