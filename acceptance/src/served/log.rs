//! Reads the log of millpond: keeps it in a file, and finds the addresses of its ports in it.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::sync::mpsc::SyncSender;

/// The addresses of the ports: `host:port`.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    pub(super) rpc: String,
    pub(super) admin: String,
}

/// Keeps the log until it ends, and sends the addresses once they are logged.
pub(super) fn drain(output: PipeReader, mut kept: File, listening: &SyncSender<Addresses>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // A log that cannot be written is still read, since a full pipe would block millpond.
        let _ = writeln!(kept, "{line}");
        if let Some(addresses) = addresses(&line) {
            // Only the first line is waited for.
            let _ = listening.try_send(addresses);
        }
    }
}

fn addresses(line: &str) -> Option<Addresses> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let address = |port| Some(line.get(port)?.as_str()?.to_owned());
    let addresses = Addresses { rpc: address("rpc")?, admin: address("admin")? };
    (line.get("message")? == "listening").then_some(addresses)
}
