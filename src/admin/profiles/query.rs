//! What is asked of a profile.

use std::ops::RangeInclusive;

const SECONDS: RangeInclusive<u64> = 1..=60;
const DEFAULT_SECONDS: u64 = 10;

/// What a profile is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Query {
    /// How long to sample.
    pub(super) seconds: u64,
    /// Its form.
    pub(super) format: Format,
}

/// The form of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// That of pprof, compressed.
    Pprof,
    /// A tree in JSON.
    Json,
}

impl Query {
    /// Reads the query of a request.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(query: Option<&str>) -> Result<Self, String> {
        let mut read = Self { seconds: DEFAULT_SECONDS, format: Format::Pprof };
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        for part in parts {
            match part.split_once('=') {
                Some(("seconds", seconds)) => read.seconds = seconds_of(seconds)?,
                Some(("format", "pprof")) => read.format = Format::Pprof,
                Some(("format", "json")) => read.format = Format::Json,
                _ => {
                    return Err("a profile is asked for with seconds=N and format=pprof or \
                                format=json alone"
                        .into());
                }
            }
        }
        Ok(read)
    }
}

fn seconds_of(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| SECONDS.contains(seconds));
    let (least, most) = SECONDS.into_inner();
    seconds.ok_or_else(|| format!("seconds is a whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_asked_for_with_a_time_and_a_form() {
        let query = |seconds, format| Ok(Query { seconds, format });
        assert_eq!(Query::read(None), query(10, Format::Pprof));
        assert_eq!(Query::read(Some("seconds=60&format=json")), query(60, Format::Json));
        for wrong in ["seconds=0", "seconds=61", "seconds=-1", "seconds=", "format=svg", "a"] {
            assert!(Query::read(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
