//! `millpond watch`: the changes of a table as they are made, one in each line.

use std::io::{self, Write as _};

use clap::Args;

use super::client::ClientArgs;
use super::entry_text::{entry_line, removal_text};
use super::failure::Failure;
use super::freshness::FreshnessArgs;
use super::output::{MessageJson, Output, escaped};
use super::runtime::block_on;
use crate::proto::v1::watch_event::Event;
use crate::proto::v1::{RemovedEntry, StoredEntry, WatchEvent, WatchRequest, WatchStarted};

/// Which changes, and how to print them.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The table's name
    table: String,
    /// The keys to watch; all keys without any
    keys: Vec<String>,
    /// Watch keys that begin with this
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "keys")]
    prefix: String,
    /// A field to show instead of all; may be given more than once
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// Print the current entries first
    #[arg(long)]
    current: bool,
    #[command(flatten)]
    freshness: FreshnessArgs,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the changes: JSON has an event in each line, progress included
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: WatchArgs) -> Result<(), Failure> {
    let WatchArgs { table, keys, prefix, fields, current, freshness, client, output } = args;
    let request = WatchRequest {
        table,
        keys,
        freshness: Some(freshness.demanded()),
        fields,
        prefix,
        include_current: current,
        ..WatchRequest::default()
    };
    let json = MessageJson::new("WatchEvent")?;
    let line = |event: &WatchEvent| match output {
        Output::Json => json.line(event).map(Some),
        Output::Text => Ok(event.event.as_ref().and_then(event_line)),
    };
    let print = async {
        let mut watch = client.connect().await?.watch(request);
        loop {
            let response = watch.next().await?;
            let mut out = io::stdout().lock();
            for event in &response.events {
                if let Some(line) = line(event)? {
                    writeln!(out, "{line}")?;
                }
            }
        }
    };
    let ended: Result<(), Failure> = block_on(print);
    match output {
        Output::Json => ended.map_err(Failure::into_json),
        Output::Text => ended,
    }
}

/// An event for people; none for progress, of which there is no end.
fn event_line(event: &Event) -> Option<String> {
    let entry = |word: &str, entry| format!("{word:<9} {}", entry_line(entry));
    Some(match event {
        Event::Started(WatchStarted { resumed, sends_current, .. }) => {
            match (resumed, sends_current) {
                (true, _) => "watching, nothing is missed".to_owned(),
                (false, true) => "watching, current entries first".to_owned(),
                (false, false) => "watching from now on".to_owned(),
            }
        }
        Event::Current(current) => entry("current", current),
        Event::SnapshotComplete(_) => "these were the current entries".to_owned(),
        Event::Stored(StoredEntry { entry: stored, replaced }) => {
            entry(if *replaced { "replaced" } else { "stored" }, stored.as_ref()?)
        }
        Event::Removed(removed) => removed_line(removed),
        Event::Progress(_) => return None,
    })
}

fn removed_line(removed: &RemovedEntry) -> String {
    format!("{:<9} {}", removal_text(removed.cause()), escaped(&removed.key))
}
