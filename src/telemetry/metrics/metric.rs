//! What a metric is: its name, its kind, its labels, and how it is explained.

/// A metric with so many labels, which the catalogue declares and a scrape writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric<const LABELS: usize> {
    pub(super) description: Description,
    pub(super) labels: [&'static str; LABELS],
}

/// A metric as the catalogue explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// Its name, as queries and dashboards use it.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A count that grows from the start of the process on.
    Counter,
    /// A value of this moment.
    Gauge,
    /// Durations, counted in ranges.
    Histogram,
    /// Text in labels, with the value 1.
    Info,
}

/// The unit of a metric that has one, which its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Seconds,
}

impl Kind {
    /// Its name in the exposition formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// What a name of this kind ends with.
    fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        }
    }
}

impl Description {
    /// The name without the endings that say kind and unit, and the unit.
    pub(super) fn parts(&self) -> (&'static str, Option<Unit>) {
        let name = self.name.strip_suffix(self.kind.suffix()).unwrap_or(self.name);
        for (suffix, unit) in [("_bytes", Unit::Bytes), ("_seconds", Unit::Seconds)] {
            if let Some(name) = name.strip_suffix(suffix) {
                return (name, Some(unit));
            }
        }
        (name, None)
    }
}
