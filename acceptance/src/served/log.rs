//! Reads the log of millpond: keeps it in a file, and finds the gRPC address in it.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::sync::mpsc::SyncSender;

/// Keeps the log until it ends, and sends the address once it is logged.
pub(super) fn drain(output: PipeReader, mut kept: File, listening: &SyncSender<String>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // A log that cannot be written is still read, since a full pipe would block millpond.
        let _ = writeln!(kept, "{line}");
        if let Some(rpc) = listening_address(&line) {
            // Only the first address is waited for.
            let _ = listening.try_send(rpc);
        }
    }
}

fn listening_address(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let rpc = line.get("rpc")?.as_str()?;
    (line.get("message")? == "listening").then(|| rpc.to_owned())
}
