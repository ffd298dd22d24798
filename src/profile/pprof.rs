//! Writes profiles in the form of pprof: its messages, as far as profiles of this process need them.

use std::collections::HashMap;
use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::named_stacks::{Kind, NamedStacks};

/// `perftools.profiles.Profile`. Texts are indices into `texts`, whose first is empty.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PprofProfile {
    #[prost(message, repeated, tag = "1")]
    pub(super) value_types: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(super) mappings: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    pub(super) locations: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    pub(super) functions: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    pub(super) texts: Vec<String>,
    #[prost(int64, tag = "10")]
    pub(super) duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    pub(super) period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    pub(super) period: i64,
    #[prost(int64, tag = "14")]
    pub(super) default_value_type: i64,
}

/// What a value is, and its unit.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct ValueType {
    #[prost(int64, tag = "1")]
    pub(super) name: i64,
    #[prost(int64, tag = "2")]
    pub(super) unit: i64,
}

/// A stack, the innermost location first.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) values: Vec<i64>,
}

/// Code that is loaded from a file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Mapping {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) start: u64,
    #[prost(uint64, tag = "3")]
    pub(super) end: u64,
    #[prost(uint64, tag = "4")]
    pub(super) offset: u64,
    #[prost(int64, tag = "5")]
    pub(super) file: i64,
    #[prost(bool, tag = "7")]
    pub(super) has_functions: bool,
}

/// An address of code.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Location {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) mapping: u64,
    #[prost(uint64, tag = "3")]
    pub(super) address: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) lines: Vec<Line>,
}

/// The function at an address.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Line {
    #[prost(uint64, tag = "1")]
    pub(super) function: u64,
}

/// A function.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Function {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(int64, tag = "2")]
    pub(super) name: i64,
}

/// The profile, compressed.
///
/// # Errors
///
/// When it cannot be compressed.
pub(super) fn encode(profile: &NamedStacks) -> io::Result<Vec<u8>> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(&to_message(profile).encode_to_vec())?;
    compressed.finish()
}

fn to_message(profile: &NamedStacks) -> PprofProfile {
    let mut message = PprofProfile { texts: vec![String::new()], ..PprofProfile::default() };
    let mut text = |text: &str| {
        message.texts.push(text.to_owned());
        signed(message.texts.len() - 1)
    };
    let value_types = match profile.kind {
        Kind::Heap => [("inuse_objects", "count"), ("inuse_space", "bytes")],
        Kind::Cpu => [("samples", "count"), ("cpu", "nanoseconds")],
    };
    let types = value_types.map(|(name, unit)| ValueType { name: text(name), unit: text(unit) });
    let files: Vec<_> = profile.modules.0.iter().map(|module| text(&module.path)).collect();
    let names: Vec<_> = profile.symbols.names.iter().map(|name| text(name)).collect();
    message.value_types = types.into();
    message.period_type = Some(types[1]);
    message.period = match profile.kind {
        Kind::Heap => 1 << 20,
        Kind::Cpu => 10_000_000,
    };
    message.default_value_type = types[1].name;
    message.duration_nanos = i64::try_from(profile.duration.as_nanos()).unwrap_or(i64::MAX);
    message.mappings = mappings(profile, &files);
    let function = |(index, &name): (usize, &i64)| Function { id: id(index), name };
    message.functions = names.iter().enumerate().map(function).collect();
    add_stacks(profile, &mut message);
    message
}

fn mappings(profile: &NamedStacks, files: &[i64]) -> Vec<Mapping> {
    let modules = profile.modules.0.iter().zip(files).enumerate();
    let mapping = modules.map(|(index, (module, &file))| Mapping {
        id: id(index),
        start: module.code.start,
        end: module.code.end,
        offset: module.offset,
        file,
        has_functions: true,
    });
    mapping.collect()
}

fn add_stacks(profile: &NamedStacks, message: &mut PprofProfile) {
    let frames = profile.stacks.distinct_frames();
    message.locations = frames
        .iter()
        .enumerate()
        .map(|(index, &frame)| Location {
            id: id(index),
            mapping: profile.modules.index_of(frame).map_or(0, id),
            address: if profile.stacks.name_of_frame(frame).is_some() { 0 } else { frame },
            lines: vec![Line { function: id(profile.symbols.index_of(frame)) }],
        })
        .collect();
    let ids: HashMap<u64, u64> =
        frames.into_iter().enumerate().map(|(index, frame)| (frame, id(index))).collect();
    message.samples = profile
        .stacks
        .iter()
        .map(|(stack, values)| Sample {
            locations: stack.iter().filter_map(|frame| ids.get(frame).copied()).collect(),
            values: values.map(|value| i64::try_from(value).unwrap_or(i64::MAX)).into(),
        })
        .collect();
}

/// Numbers of things begin with 1: 0 is none.
fn id(index: usize) -> u64 {
    index as u64 + 1
}

fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or_default()
}
