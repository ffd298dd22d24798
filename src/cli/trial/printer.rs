//! Prints what becomes of each record as it is known, and the summary at the end.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde::Serialize;
use serde_json::json;

use super::projection_text::projection_text;
use super::summary_text::{LineCounts, summary_text};
use crate::app::{Projection, Sample, TrialSummary};
use crate::cli::output::{Output, escaped};
use crate::cli::sample_text;

pub(super) struct Printer<W: Write> {
    out: BufWriter<W>,
    output: Output,
    /// Whether there is no line for each record.
    is_summary_only: bool,
    /// Whether somebody looks on, and each line is shown at once.
    is_watched: bool,
    lines: LineCounts,
}

/// A record, as a line of JSON.
#[derive(Serialize)]
struct RecordLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(flatten)]
    sample: &'a Sample,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W, output: Output, is_summary_only: bool) -> Self {
        Self {
            out: BufWriter::new(out),
            output,
            is_summary_only,
            is_watched: io::stdout().is_terminal(),
            lines: LineCounts::default(),
        }
    }

    /// A record of that line, or of no line: of a topic.
    pub(super) fn record(&mut self, line: Option<u64>, sample: &Sample) -> io::Result<()> {
        if self.is_summary_only {
            return Ok(());
        }
        self.write_record(line, sample)?;
        if self.is_watched { self.out.flush() } else { Ok(()) }
    }

    fn write_record(&mut self, line: Option<u64>, sample: &Sample) -> io::Result<()> {
        if self.output == Output::Json {
            serde_json::to_writer(&mut self.out, &RecordLine { line, sample })?;
            return writeln!(self.out);
        }
        let fate = sample_text::fate(sample, "    ");
        if let Some(line) = line {
            return write!(self.out, "line {line}: {fate}");
        }
        let Sample { partition, offset, time, .. } = sample;
        write!(self.out, "{partition}/{offset}  {time}  {fate}")
    }

    /// A line that holds no record.
    pub(super) fn fault(&mut self, line: u64, fault: &str) -> io::Result<()> {
        self.lines.faulty_lines += 1;
        if self.is_summary_only {
            return Ok(());
        }
        match self.output {
            Output::Json => writeln!(self.out, "{}", json!({ "line": line, "fault": fault })),
            Output::Text => writeln!(self.out, "line {line}: cannot be read: {}", escaped(fault)),
        }
    }

    pub(super) fn skip_blank(&mut self) {
        self.lines.blank_lines += 1;
    }

    /// The summary, and a projection if one was asked for. An inner none: no record gave an entry.
    pub(super) fn end(
        mut self,
        summary: &TrialSummary,
        projection: Option<&Option<Projection>>,
    ) -> io::Result<()> {
        match self.output {
            Output::Json => {
                let all =
                    json!({ "summary": summary, "lines": self.lines, "projection": projection });
                writeln!(self.out, "{all}")?;
            }
            Output::Text => {
                let separator = if self.is_summary_only { "" } else { "\n" };
                write!(self.out, "{separator}{}", summary_text(summary, self.lines))?;
                if let Some(projection) = projection {
                    write!(self.out, "\n{}", projection_text(projection.as_ref(), summary))?;
                }
            }
        }
        self.out.flush()
    }
}
