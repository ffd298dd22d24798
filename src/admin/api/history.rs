//! `GET /api/history?tier=N&from=NUMBER&marks=NUMBER`: samples from a number on, and the marks after
//! a number.
//!
//! A page asks again from the newest sample that it has, which may have changed since. An answer has
//! a bounded number of samples, and says whether there are more.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;

use super::response::json;
use crate::admin::answers::{Answers, Busy};
use crate::history::{History, Mark, MarkKind, Part, TIERS};

/// The values of one answer: with at most eleven characters for each, 66 KB.
const MAX_VALUES: usize = 6_000;
/// The answers that are kept for others who ask for the same.
const KEPT: usize = 4;

#[derive(Clone)]
struct Reader {
    history: Arc<History>,
    answers: Answers,
    kept: Arc<Mutex<VecDeque<Kept>>>,
}

struct Kept {
    asked: Asked,
    /// What the history had when it was encoded.
    version: u64,
    bytes: Bytes,
}

/// What a page asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Asked {
    tier: usize,
    from: u64,
    marks: u64,
}

/// The route.
pub(super) fn routes(history: Arc<History>, answers: Answers) -> Router {
    let reader = Reader { history, answers, kept: Arc::default() };
    Router::new().route("/api/history", get(history_part)).with_state(reader)
}

async fn history_part(State(reader): State<Reader>, RawQuery(query): RawQuery) -> Response {
    match Asked::parse(query.as_deref().unwrap_or_default()) {
        None => {
            let tiers = TIERS.len() - 1;
            let text = format!("write ?tier=0..{tiers}&from=NUMBER&marks=NUMBER\n");
            (StatusCode::BAD_REQUEST, text).into_response()
        }
        Some(asked) => reader.answer(asked).map_or_else(Busy::into_response, json),
    }
}

impl Asked {
    fn parse(query: &str) -> Option<Self> {
        let mut asked = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=')? {
                ("tier", tier) => asked.tier = tier.parse().ok()?,
                ("from", from) => asked.from = from.parse().ok()?,
                ("marks", marks) => asked.marks = marks.parse().ok()?,
                _ => return None,
            }
        }
        (asked.tier < TIERS.len()).then_some(asked)
    }
}

impl Reader {
    fn answer(&self, asked: Asked) -> Result<Bytes, Busy> {
        let version = self.history.version();
        let mut kept = self.kept.lock();
        kept.retain(|each| each.version == version);
        if let Some(found) = kept.iter().find(|each| each.asked == asked) {
            return Ok(found.bytes.clone());
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        let bytes = self.answers.hold(self.encode(asked).into_bytes())?;
        kept.push_back(Kept { asked, version, bytes: bytes.clone() });
        Ok(bytes)
    }

    fn encode(&self, asked: Asked) -> String {
        let count = (MAX_VALUES / self.history.layout().width()).max(1);
        let part = self.history.part(asked.tier, asked.from, count);
        let Part { origin, rows, has_more } =
            part.unwrap_or(Part { origin: None, rows: Vec::new(), has_more: false });
        let origin = origin.map_or_else(|| "null".into(), |time| time.as_millis().to_string());
        let mut json = format!("{{\"origin_millis\":{origin},\"has_more\":{has_more},\"rows\":[");
        for (index, row) in rows.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(json, "{comma}[{}", row.number);
            row.values.iter().for_each(|value| write_value(&mut json, *value));
            json.push(']');
        }
        json.push_str("],\"marks\":[");
        for (index, mark) in self.history.marks(asked.marks).iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write_mark(&mut json, comma, mark);
        }
        json.push_str("]}");
        json
    }
}

fn write_value(json: &mut String, value: f32) {
    let _ = if value.is_finite() { write!(json, ",{value}") } else { write!(json, ",null") };
}

fn write_mark(json: &mut String, comma: &str, mark: &Mark) {
    let Mark { number, time, kind, text } = mark;
    let kind = match kind {
        MarkKind::State => "state",
        MarkKind::Pressure => "pressure",
        MarkKind::Kafka => "kafka",
        MarkKind::Fault => "fault",
    };
    let text = serde_json::Value::from(&**text);
    let millis = time.as_millis();
    let _ = write!(
        json,
        "{comma}{{\"number\":{number},\"time_millis\":{millis},\"kind\":\"{kind}\",\"text\":{text}}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Snapshot;

    fn reader(seconds: u64) -> Reader {
        let history = Arc::new(History::new(["services".to_owned()]));
        for second in 0..seconds {
            history.observe(second, &Arc::new(Snapshot::example()));
        }
        Reader { history, answers: Answers::new(), kept: Arc::default() }
    }

    fn parsed(bytes: &Bytes) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn all_samples_come_in_parts_that_are_small() {
        let (reader, mut from, mut numbers) = (reader(800), 0, Vec::new());
        loop {
            let bytes = reader.answer(Asked { from, ..Asked::default() }).unwrap();
            assert!(bytes.len() < 100 << 10, "{} B", bytes.len());
            let part = parsed(&bytes);
            let rows = part["rows"].as_array().unwrap();
            numbers.extend(rows.iter().map(|row| row[0].as_u64().unwrap()));
            if part["has_more"] == false {
                break;
            }
            from = numbers.last().unwrap() + 1;
        }
        assert_eq!(numbers, (0..800).collect::<Vec<_>>());
    }

    #[test]
    fn a_row_has_its_number_and_a_value_for_each_series_and_null_for_what_is_not_known() {
        let reader = reader(1);
        let part = parsed(&reader.answer(Asked::default()).unwrap());
        let row = part["rows"][0].as_array().unwrap();
        assert_eq!(row.len(), 1 + reader.history.layout().width());
        assert_eq!((&row[1], &row[2]), (&3_000.into(), &10_000.into()));
        assert_eq!(row[row.len() - 2], serde_json::Value::Null, "staleness");
        assert_eq!(part["origin_millis"], 1_700_000_001_000_i64);
        assert_eq!(part["marks"][0]["text"], "millpond started");
    }

    #[test]
    fn a_hundred_pages_share_one_answer_until_the_next_second() {
        let reader = reader(10);
        let first = reader.answer(Asked::default()).unwrap();
        for _ in 0..100 {
            assert_eq!(reader.answer(Asked::default()).unwrap().as_ptr(), first.as_ptr());
        }
        reader.history.observe(10, &Arc::new(Snapshot::example()));
        let next = reader.answer(Asked::default()).unwrap();
        assert_ne!(parsed(&next)["rows"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn what_is_no_query_is_refused() {
        assert_eq!(Asked::parse(""), Some(Asked::default()));
        assert_eq!(Asked::parse("tier=2&from=7"), Some(Asked { tier: 2, from: 7, marks: 0 }));
        for wrong in ["tier=3", "from=-1", "tier", "x=1", "from=99999999999999999999"] {
            assert_eq!(Asked::parse(wrong), None, "{wrong}");
        }
    }
}
