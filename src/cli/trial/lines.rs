//! The lines of an input, each of bounded length: what is longer is cut off and not kept.

use std::io::{self, BufRead};

/// Reads one line after the other into the same memory.
pub(super) struct Lines<R> {
    input: R,
    longest_bytes: usize,
    number: u64,
    bytes: Vec<u8>,
}

/// A line without its line break.
pub(super) struct Line<'a> {
    /// The first is 1.
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
    /// Whether there is more of it.
    pub(super) is_cut_off: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, longest_bytes: usize) -> Self {
        Self { input, longest_bytes, number: 0, bytes: Vec::new() }
    }

    /// The next line; none at the end of the input.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.bytes.clear();
        let (mut is_cut_off, mut has_begun) = (false, false);
        loop {
            let read = match self.input.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read.is_empty() && !has_begun {
                return Ok(None);
            }
            let end = read.iter().position(|&byte| byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            let room = self.longest_bytes - self.bytes.len();
            self.bytes.extend_from_slice(&part[..part.len().min(room)]);
            is_cut_off |= part.len() > room;
            let is_last = end.is_some() || read.is_empty();
            let used = end.map_or(read.len(), |end| end + 1);
            self.input.consume(used);
            has_begun = true;
            if is_last {
                break;
            }
        }
        self.number += 1;
        if !is_cut_off && self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        Ok(Some(Line { number: self.number, bytes: &self.bytes, is_cut_off }))
    }
}

impl Line<'_> {
    pub(super) fn is_blank(&self) -> bool {
        !self.is_cut_off && self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Each line with its number, and a `+` where it is cut off.
    fn lines(text: &str, longest_bytes: usize) -> Vec<String> {
        // A small buffer, so that lines go over its end.
        let input = BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Lines::new(input, longest_bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let text = String::from_utf8_lossy(line.bytes);
            all.push(format!("{}:{text}{}", line.number, if line.is_cut_off { "+" } else { "" }));
            assert!(lines.bytes.capacity() <= 64);
        }
        all
    }

    #[test]
    fn each_line_is_read_with_its_number_whatever_ends_it() {
        assert_eq!(lines("ab\ncdefgh\r\n\nlast", 20), ["1:ab", "2:cdefgh", "3:", "4:last"]);
        assert_eq!(lines("one\n", 20), ["1:one"]);
        assert!(lines("", 20).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_off_and_the_next_one_is_whole() {
        let text = format!("{}\nnext\n12345\n123456", "x".repeat(10_000));
        assert_eq!(lines(&text, 5), ["1:xxxxx+", "2:next", "3:12345", "4:12345+"]);
    }
}
