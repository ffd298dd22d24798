//! The parsers that are compared: each copies a key and a field out of a document.

use std::borrow::Cow;
use std::hint::black_box;
use std::mem;
use std::time::Duration;

use millpond::config::{Life, Source};
use millpond::pluck::{Limits, Message, Plucked, Plucker, Scratch};
use millpond::record::{Origin, Timestamp};
use serde::Deserialize;
use simd_json::{Buffers, INPUT_PADDING, Tape, fill_tape_padded};
use sonic_rs::JsonValueTrait;

const KEY: [&str; 2] = ["sender", "login"];
const FIELD: [&str; 2] = ["repository", "html_url"];

/// One parser.
pub struct Contender {
    /// Its name in the report.
    pub name: &'static str,
    /// Plucks a document. Returns whether the document had the key.
    pub pluck: Pluck,
    /// Whether it only parses: then it returns whether the document is JSON.
    pub is_parser_alone: bool,
}

const TAPE_ALONE: &str = "simd-json, the tape alone";

type Pluck = Box<dyn FnMut(&[u8]) -> bool>;

/// All parsers, millpond first.
pub fn all() -> anyhow::Result<Vec<Contender>> {
    let named = |(name, pluck)| Contender { name, pluck, is_parser_alone: name == TAPE_ALONE };
    let all: [(_, Pluck); 7] = [
        ("millpond", millpond(|plucker| plucker)?),
        ("millpond, without vector instructions", millpond(Plucker::portable)?),
        (TAPE_ALONE, simd_json_tape()),
        ("serde_json, a borrowing struct", Box::new(serde_json_struct)),
        ("serde_json, Value", Box::new(serde_json_value)),
        ("sonic-rs, a borrowing struct", Box::new(sonic_struct)),
        ("sonic-rs, get_many", sonic_get_many()),
    ];
    Ok(all.into_iter().map(named).collect())
}

fn millpond(prepare: fn(Plucker) -> Plucker) -> anyhow::Result<Pluck> {
    let source = |path: [&str; 2]| format!("/{}", path.join("/")).parse::<Source>();
    let limits =
        Limits { max_document_bytes: 1 << 20, max_key_bytes: 4_096, max_values_bytes: 1 << 20 };
    let life = Life::from_record(Duration::from_secs(1));
    let plucker = prepare(Plucker::new(&source(KEY)?.into(), &[source(FIELD)?], &life, limits));
    let mut scratch = Scratch::new();
    Ok(Box::new(move |payload| {
        let message = Message {
            key: None,
            payload: Some(payload),
            header: &|_| None,
            origin: Origin { partition: 0, offset: 0, time: Timestamp::from_millis(0) },
            now: Timestamp::from_millis(0),
            now_elsewhere: Timestamp::from_millis(0),
        };
        match plucker.pluck(&message, &mut scratch) {
            Ok(Plucked::Record(draft)) => {
                black_box(draft.copy());
                true
            }
            Ok(Plucked::Deletion(_) | Plucked::Filtered) | Err(_) => false,
        }
    }))
}

/// Parses the whole document, in memory that is kept, and looks for nothing in it.
fn simd_json_tape() -> Pluck {
    let (mut input, mut buffers) = (Vec::new(), Buffers::default());
    let mut kept = Tape(Vec::new());
    Box::new(move |payload| {
        input.clear();
        input.extend_from_slice(payload);
        input.resize(payload.len() + INPUT_PADDING, b' ');
        let mut tape = mem::replace(&mut kept, Tape(Vec::new()));
        let parsed = fill_tape_padded(&mut input, payload.len(), &mut buffers, &mut tape);
        kept = tape.reset();
        parsed.is_ok()
    })
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    sender: Option<Sender<'a>>,
    #[serde(borrow)]
    repository: Option<Repository<'a>>,
}

#[derive(Deserialize)]
struct Sender<'a> {
    #[serde(borrow)]
    login: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Repository<'a> {
    #[serde(borrow)]
    html_url: Option<Cow<'a, str>>,
}

impl Event<'_> {
    fn has_key(&self) -> bool {
        let key = self.sender.as_ref().and_then(|sender| sender.login.as_deref());
        let repository = self.repository.as_ref();
        is_plucked(key, repository.and_then(|repository| repository.html_url.as_deref()))
    }
}

fn serde_json_struct(payload: &[u8]) -> bool {
    serde_json::from_slice::<Event<'_>>(payload).is_ok_and(|event| event.has_key())
}

fn sonic_struct(payload: &[u8]) -> bool {
    sonic_rs::from_slice::<Event<'_>>(payload).is_ok_and(|event| event.has_key())
}

fn serde_json_value(payload: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(payload) else { return false };
    let text = |[outer, inner]: [&str; 2]| value.get(outer)?.get(inner)?.as_str();
    is_plucked(text(KEY), text(FIELD))
}

/// Stops after the last of the two fields, so it neither validates nor reads the rest.
fn sonic_get_many() -> Pluck {
    let mut tree = sonic_rs::PointerTree::new();
    tree.add_path(KEY);
    tree.add_path(FIELD);
    Box::new(move |payload| {
        let Ok(found) = sonic_rs::get_many(payload, &tree) else { return false };
        let text = |at: usize| found.get(at)?.as_ref()?.as_str();
        is_plucked(text(0), text(1))
    })
}

/// Copies the fields, as a table has to.
fn is_plucked(key: Option<&str>, field: Option<&str>) -> bool {
    let copies = (key.map(str::to_owned), field.map(str::to_owned));
    black_box(copies).0.is_some()
}
