//! JSON, the encoding of documents: the only code that names a JSON library.
//!
//! A [`Parser`] turns a payload into [`Nodes`]. [`Paths`] locate in them what sources point
//! at, and give it as a [`JsonValue`]; [`JsonText`] writes an object or array back as text.
//! A [`Shape`] says what a payload takes to parse before it is parsed. Nothing here knows
//! tables, messages or limits.

mod bounded_text;
mod nodes;
mod parser;
mod paths;
mod shape;
mod text;
mod value;

pub(crate) use nodes::Nodes;
pub(crate) use parser::Parser;
pub(crate) use paths::{Located, PathId, Paths, Positions};
pub(crate) use shape::Shape;
pub(crate) use text::JsonText;
pub(crate) use value::JsonValue;

#[cfg(test)]
pub(crate) mod shape_tests;
