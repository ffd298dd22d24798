//! Files that a configuration names: whether this user can read them.
//!
//! It looks at no content, and shows no path: a secret may stand in the wrong place.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

const CURE: &str =
    "write the path of a file that this user may read; in a container, mount it there";

/// What is wrong with the file or folder at this path and what to do, if it cannot be opened.
pub(super) fn unreadable(file: impl AsRef<Path>) -> Option<(String, &'static str)> {
    // A folder can be opened too.
    let error = File::open(file).err()?;
    let wrong = match error.kind() {
        ErrorKind::NotFound => "there is no file at this path".into(),
        ErrorKind::PermissionDenied => "this user may not read the file at this path".into(),
        other => format!("the file at this path cannot be read: {other}"),
    };
    Some((wrong, CURE))
}
