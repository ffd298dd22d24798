//! Reads small files.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// The content of a file of at most `max_bytes`.
///
/// # Errors
///
/// What is wrong with the file, and what to do.
pub(super) fn read_bounded(path: &Path, max_bytes: usize) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            "there is no file at this path; in a container, mount it there".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "this user may not read the file; change its mode or its owner".to_owned()
        }
        _ => format!("the file cannot be opened: {error}"),
    })?;
    let mut bytes = Vec::new();
    let read = file.take(max_bytes as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() > max_bytes {
        return Err(format!("the file is over {max_bytes} bytes, so it is not the right one"));
    }
    Ok(bytes)
}
