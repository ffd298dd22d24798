//! A process that ends with its owner.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command};

/// A process that is killed on drop. If the owner may be killed, and so drops nothing, use a
/// [`Guard`](crate::guard::Guard).
#[derive(Debug)]
pub struct OwnedProcess(Child);

impl OwnedProcess {
    /// Starts the process.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        command.spawn().map(Self)
    }
}

impl Deref for OwnedProcess {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for OwnedProcess {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for OwnedProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
