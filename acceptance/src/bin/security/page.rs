//! The recipes of `docs/SECURING.md`, as they are printed there.

use std::fs;

use anyhow::{Context, Result};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/SECURING.md");

/// The configuration of the recipe with this name, in TOML.
pub(crate) fn recipe(name: &str) -> Result<String> {
    let page = fs::read_to_string(PAGE)?;
    let mark = format!("<!-- recipe: {name} -->\n```toml\n");
    let block = page.split_once(&mark).and_then(|(_, rest)| rest.split_once("```"));
    let (text, _) = block.with_context(|| format!("{PAGE} has no recipe {name}"))?;
    Ok(text.to_owned())
}
