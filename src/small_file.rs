//! Reads the small files that a configuration names: certificates, keys, tokens, passwords.
//!
//! A reading takes no more memory than its file may have, whatever is at the path. Errors show no
//! path: somebody may have written a secret in its place.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// What to do about a file that cannot be read.
pub const CURE: &str = "put a file there that this user may read; in a container, mount it there";

/// The content of a file of at most `max_bytes`.
///
/// # Errors
///
/// Those of the system, and [`ErrorKind::FileTooLarge`].
pub fn read(path: impl AsRef<Path>, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(max_bytes as u64 + 1).read_to_end(&mut content)?;
    if content.len() > max_bytes {
        let wrong = format!("the file has more than {max_bytes} bytes, so it is not the right one");
        return Err(io::Error::new(ErrorKind::FileTooLarge, wrong));
    }
    Ok(content)
}

/// What is wrong with the file or folder at this path and what to do, if it cannot be opened.
pub fn unreadable(path: impl AsRef<Path>) -> Option<(String, &'static str)> {
    // A folder can be opened too.
    let error = File::open(path).err()?;
    Some((describe(&error), CURE))
}

/// What is wrong with the file.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no file at this path".into(),
        ErrorKind::PermissionDenied => "this user may not read the file".into(),
        ErrorKind::FileTooLarge => error.to_string(),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// What is wrong with the file, and what to do.
pub fn explain(error: &io::Error) -> String {
    format!("{}; {CURE}", describe(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_its_end() {
        let error = read("/dev/zero", 1 << 10).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert!(describe(&error).contains("more than 1024 bytes"), "{error}");
    }

    #[test]
    fn a_file_of_the_largest_size_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read(&path, 100).unwrap(), [7; 100]);
        assert!(read(&path, 99).is_err());
    }

    #[test]
    fn an_error_says_what_to_do_and_not_where() {
        let error = read("/hunter2", 1).unwrap_err();
        let text = explain(&error);
        assert!(text.contains("no file") && text.ends_with(CURE), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
