//! JSON, the encoding of documents.
//!
//! ```text
//! payload --Paths::locate--> Located --value--> JsonValue --write--> text
//!          (one walk, no copy)       (borrows the payload)
//! ```
//!
//! [`Paths`] are the pointers of a table. One walk checks all of a document against JSON's grammar
//! and notes where the values of the pointers stand. Only those values are looked at again: a
//! [`JsonString`](string::JsonString) resolves its escapes when it is written, and a
//! [`Container`](container::Container) is written as compact text. A walk takes one bit for each
//! container that is open. Nothing here knows tables, messages or limits.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod container;
mod cursor;
mod located;
mod nesting;
mod number;
mod paths;
mod scan;
mod skip;
mod spans;
mod steps;
mod string;
mod value;
mod walk;

pub(crate) use located::{Located, PathId};
pub(crate) use paths::{LocateScratch, Paths};
pub(crate) use string::JsonString;
pub(crate) use value::JsonValue;
