//! The project's Rust files as tokens: words and signs, without comments.
//!
//! Owns finding files, reading them and leaving test code out. It must not know the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Stands for any literal text or number.
pub(super) const LITERAL: &str = "\"";

/// One source file.
#[derive(Debug)]
pub(super) struct Source {
    /// From the project's root.
    pub(super) path: PathBuf,
    /// Words, literals, and signs one by one, but `::` and `->` whole.
    pub(super) tokens: Vec<String>,
}

/// The project's root.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All source files under a folder.
pub(super) fn sources(folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        Source { path: file.strip_prefix(root()).unwrap().to_owned(), tokens: tokens(&text) }
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Leaves out what only tests have: items under `#[cfg(test)]`, and the files of such modules.
pub(super) fn without_tests(mut sources: Vec<Source>) -> Vec<Source> {
    let mut test_modules = BTreeSet::new();
    for source in &mut sources {
        for module in remove_test_items(&mut source.tokens) {
            test_modules.insert(folder_of(&source.path).join(module));
        }
    }
    let is_test =
        |path: &Path| path.ancestors().any(|part| test_modules.contains(&part.with_extension("")));
    sources.retain(|source| !is_test(&source.path));
    sources
}

/// Where the children of a module are that is this file.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let is_root = path.ends_with("lib.rs") || path.ends_with("main.rs");
    if is_root { path.parent().unwrap().to_owned() } else { path.with_extension("") }
}

/// Gives the names of the removed modules that are files of their own.
fn remove_test_items(tokens: &mut Vec<String>) -> Vec<String> {
    let mut modules = Vec::new();
    while let Some(start) = find(tokens, &["#", "[", "cfg", "(", "test", ")", "]"]) {
        let end = start + 7 + length_of_item(&tokens[start + 7..]);
        let removed: Vec<_> = tokens.drain(start..end).collect();
        if let [.., keyword, name, end] = &removed[..]
            && (keyword == "mod" && end == ";")
        {
            modules.push(name.clone());
        }
    }
    modules
}

/// Up to a semicolon, or to the end of the item's braces.
fn length_of_item(tokens: &[String]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (token == ";" || token == "}") {
            return at + 1;
        }
    }
    tokens.len()
}

/// Where these tokens are in a row.
pub(super) fn find(tokens: &[String], row: &[&str]) -> Option<usize> {
    tokens.windows(row.len()).position(|window| window == row)
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    flatten(text.parse().unwrap(), &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    let mut continues = false;
    for tree in stream {
        match &tree {
            TokenTree::Punct(sign) => {
                let pair = tokens.last().map(|last| format!("{last}{}", sign.as_char()));
                match pair.filter(|pair| continues && (pair == "::" || pair == "->")) {
                    Some(pair) => *tokens.last_mut().unwrap() = pair,
                    None => tokens.push(sign.as_char().to_string()),
                }
            }
            TokenTree::Ident(word) => tokens.push(word.to_string()),
            TokenTree::Literal(_) => tokens.push(LITERAL.to_owned()),
            TokenTree::Group(group) => {
                let (open, close) = delimiters(group.delimiter());
                tokens.push(open.to_owned());
                flatten(group.stream(), tokens);
                tokens.push(close.to_owned());
            }
        }
        continues = matches!(tree, TokenTree::Punct(sign) if sign.spacing() == Spacing::Joint);
    }
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[test]
fn comments_and_test_code_are_left_out() {
    let text = "//! super::a\nfn b() -> c::D { \"super::e\" } #[cfg(test)] mod f { use g; } h!();";
    let mut found = tokens(text);
    assert!(remove_test_items(&mut found).is_empty());
    let expected = "fn b ( ) -> c :: D { \" } h ! ( ) ;";
    let expected: Vec<_> = expected.split(' ').collect();
    assert!(found.ends_with(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()));
    assert!(!found.contains(&"super".to_owned()), "{found:?}");
}

#[test]
fn files_of_test_modules_are_left_out() {
    let source = |path: &str, text| Source { path: path.into(), tokens: tokens(text) };
    let sources = vec![
        source("src/lib.rs", "mod a;"),
        source("src/a.rs", "mod b; #[cfg(test)] mod tests;"),
        source("src/a/b.rs", ""),
        source("src/a/tests.rs", "mod c;"),
        source("src/a/tests/c.rs", ""),
    ];
    let left: Vec<_> = without_tests(sources).into_iter().map(|source| source.path).collect();
    assert_eq!(left, ["src/lib.rs", "src/a.rs", "src/a/b.rs"].map(PathBuf::from));
}
