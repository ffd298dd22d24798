//! Adds to a text in `OpenMetrics` the exemplars: for each range of durations the newest traced call.
//!
//! The encoder takes exemplars of its own histograms alone. So they are added to the text that it
//! wrote, whose lines of buckets are in the order of the snapshot.

use std::fmt::Write as _;

use super::catalogue::CALL_DURATIONS;
use crate::stats::{Exemplar, MethodStats};

/// The text with the exemplars of these methods.
pub(super) fn add(text: String, methods: &[MethodStats]) -> String {
    if methods.iter().all(|method| method.exemplars.iter().all(Option::is_none)) {
        return text;
    }
    let mut exemplars = methods.iter().flat_map(|method| method.exemplars.iter());
    let series = format!("{}_bucket{{", CALL_DURATIONS.description.name);
    let mut written = String::with_capacity(text.len() + (16 << 10));
    for line in text.lines() {
        written.push_str(line);
        if line.starts_with(&series)
            && let Some(exemplar) = exemplars.next().and_then(Option::as_ref)
        {
            write(&mut written, exemplar);
        }
        written.push('\n');
    }
    written
}

fn write(text: &mut String, exemplar: &Exemplar) {
    let Exemplar { trace_id, span_id, duration, time } = exemplar;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (seconds, time) = (duration.as_secs_f64(), since.as_secs_f64());
    // Writing to a String cannot fail.
    let _ =
        write!(text, " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {seconds:?} {time:.3}");
}
