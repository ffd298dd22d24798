//! `millpond stats --watch`: the statistics again and again, as they come.
//!
//! On a terminal they stand still and change. Elsewhere they follow each other, for a program to read.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::cli::client::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::output::{self, Output};
use crate::cli::runtime::block_on;
use crate::cli::watching::Watching;
use crate::proto::v1::GetStatsResponse;

/// Moves to the first line.
const HOME: &str = "\u{1b}[H";
/// Clears the rest of a line, and of the screen.
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// Shows the statistics until the service is lost or nobody reads them any more.
pub(super) fn run(
    client: &ClientArgs,
    interval: Duration,
    output: Output,
    text: impl Fn(&GetStatsResponse) -> String,
) -> Result<(), Failure> {
    let shown = block_on(async {
        let connected = client.connect().await?;
        let mut watching = Watching::open(&connected, interval, client.timeout()).await?;
        loop {
            let stats = watching.next().await?;
            match output {
                Output::Json => show_line(&output::json_line("GetStatsResponse", &stats)?)?,
                Output::Text if io::stdout().is_terminal() => redraw(&text(&stats))?,
                Output::Text => show_line(&text(&stats))?,
            }
        }
    });
    shown.map_err(|failure: Failure| match output {
        Output::Json => failure.into_json(),
        Output::Text => failure,
    })
}

/// Flushed, since a reader waits for each.
fn show_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Draws over what was there, so that nothing flickers.
fn redraw(text: &str) -> io::Result<()> {
    let (_, rows) = crossterm::terminal::size()?;
    let mut out = io::stdout().lock();
    out.write_all(frame(text, usize::from(rows)).as_bytes())?;
    out.flush()
}

/// A whole screen: the lines that fit, and how many do not.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    // The last row stays free: a line there would scroll the others away.
    let room = rows.saturating_sub(1).max(1);
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    let mut frame = HOME.to_owned();
    for line in &lines[..shown] {
        frame.extend([line, CLEAR_LINE, "\n"]);
    }
    if shown < lines.len() {
        let more = lines.len() - shown;
        let _ = writeln!(frame, "... {more} more lines; `millpond top` scrolls{CLEAR_LINE}");
    }
    frame + CLEAR_BELOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_has_the_lines_that_fit_and_says_how_many_do_not() {
        let text = "one\ntwo\nthree\nfour\n";
        let plain = |rows| {
            let frame = frame(text, rows).replace(CLEAR_LINE, "");
            frame.trim_start_matches(HOME).trim_end_matches(CLEAR_BELOW).to_owned()
        };
        assert_eq!(plain(5), text);
        assert_eq!(plain(4), "one\ntwo\n... 2 more lines; `millpond top` scrolls\n");
        assert_eq!(plain(1), "... 4 more lines; `millpond top` scrolls\n");
        assert_eq!(plain(0), plain(1));
    }
}
