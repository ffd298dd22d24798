//! JSON, the encoding of documents: the only code that names a JSON library.
//!
//! A [`Parser`] turns a payload into a [`Document`]. [`Paths`] locate in it what sources point
//! at, and give it as a [`JsonValue`]; [`JsonText`] writes an object or array back as text.
//! A [`Shape`] says what a payload takes to parse before it is parsed. Nothing here knows
//! tables, messages or limits.

mod bounded_text;
mod container;
mod document;
mod nodes;
mod number;
mod parser;
mod paths;
mod repair;
mod shape;
mod source_text;
mod text;
mod tokens;
mod value;

pub(crate) use document::Document;
pub(crate) use parser::Parser;
pub(crate) use paths::{Located, PathId, Paths, Positions};
pub(crate) use shape::Shape;
pub(crate) use text::JsonText;
pub(crate) use value::JsonValue;

#[cfg(test)]
pub(crate) mod shape_tests;
