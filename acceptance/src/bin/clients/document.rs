//! The documents of the records: what a caller sends, with the key in it.

use anyhow::{Context, Result};

/// The document `body`, a JSON object, with the key as its `id`.
///
/// The rest stays as it is, byte by byte: a parser would change numbers.
pub(crate) fn with_key(body: &str, key: &str) -> Result<String> {
    let rest = body.trim().strip_prefix('{').context("the body is not a JSON object")?;
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    Ok(format!(r#"{{"id":{}{comma}{rest}"#, serde_json::Value::from(key)))
}
