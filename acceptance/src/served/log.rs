//! Reads what millpond says: keeps it, and finds in it where it listens.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::sync::mpsc::SyncSender;

/// Keeps the log until it ends, and hands on the address once that is said.
pub(super) fn drain(output: PipeReader, mut kept: File, listening: &SyncSender<String>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // A log that cannot be kept is still read: a full pipe would stop millpond.
        let _ = writeln!(kept, "{line}");
        if let Some(rpc) = listening_address(&line) {
            // Nobody waits for a second one.
            let _ = listening.try_send(rpc);
        }
    }
}

fn listening_address(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let rpc = line.get("rpc")?.as_str()?;
    (line.get("message")? == "listening").then(|| rpc.to_owned())
}
