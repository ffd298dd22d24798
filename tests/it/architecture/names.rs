//! The names that one file uses, and the paths through which it uses them.
//!
//! Owns reading `use` declarations and paths. It must not know which file a path leads to.

use std::collections::{BTreeMap, BTreeSet};

/// The names of one file.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Its child modules that are files.
    pub(super) children: BTreeSet<String>,
    /// Each name that a `use` brings in, and its path.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// All paths in its code, and those of its `use` declarations. A re-export is left out unless
    /// the file itself uses the name.
    pub(super) paths: BTreeSet<Vec<String>>,
}

/// A path that a `use` declaration brings in, and its name in this file.
#[derive(Debug)]
struct Import {
    path: Vec<String>,
    name: String,
    is_reexport: bool,
}

impl Names {
    /// Reads the tokens of a file.
    pub(super) fn of(tokens: &[String]) -> Self {
        let (imports, code) = split(tokens);
        let mut names = Self { children: children(&code), ..Self::default() };
        names.paths = paths(&code);
        for Import { path, name, is_reexport } in imports {
            if !is_reexport || (name != "*" && code.contains(&name)) {
                names.paths.insert(path.clone());
            }
            names.imports.insert(name, path);
        }
        names
    }

    /// The first name of each path.
    pub(super) fn first_names(&self) -> BTreeSet<&str> {
        self.paths.iter().chain(self.imports.values()).map(|path| path[0].as_str()).collect()
    }
}

/// The imports, and all the other tokens.
fn split(tokens: &[String]) -> (Vec<Import>, Vec<String>) {
    let (mut imports, mut code, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        // Not `impl Trait + use<>`.
        if token == "use" && tokens.get(at + 1).is_some_and(|next| next != "<") {
            let is_reexport = code.last().is_some_and(|last| last == "pub" || last == ")");
            let end = at + tokens[at..].iter().position(|token| token == ";").unwrap();
            let mut found = Vec::new();
            read_use(&tokens[at + 1..end], &[], &mut found);
            imports.extend(found.into_iter().map(|(path, name)| Import {
                path,
                name,
                is_reexport,
            }));
            at = end;
        } else {
            code.push(token.clone());
        }
        at += 1;
    }
    (imports, code)
}

/// Finds each path in a tree like `a::{b, c::d as e}`, and the name that it gets in this file.
fn read_use(tree: &[String], prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut path = prefix.to_vec();
    let mut rest = tree;
    while let [word, after @ ..] = rest {
        match word.as_str() {
            "{" => {
                let group = &after[..after.len() - 1];
                return parts(group).for_each(|part| read_use(part, &path, found));
            }
            "as" => break,
            "::" => {}
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        rest = after;
    }
    let name = if let [_, name] = rest { name } else { path.last().unwrap() };
    found.push((path.clone(), name.clone()));
}

/// The parts between commas, where a comma inside inner braces does not count.
fn parts(group: &[String]) -> impl Iterator<Item = &[String]> {
    let mut depth = 0;
    let parts = group.split(move |token| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        depth == 0 && token == ","
    });
    parts.filter(|part| !part.is_empty())
}

/// The declared modules that are files of their own.
fn children(code: &[String]) -> BTreeSet<String> {
    let declared = code.windows(3).filter(|row| row[0] == "mod" && row[2] == ";");
    declared.map(|row| row[1].clone()).collect()
}

/// Each path of at least two words.
fn paths(code: &[String]) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    for (at, token) in code.iter().enumerate() {
        let goes_on = at > 0 && code[at - 1] == "::";
        if is_word(token) && !goes_on {
            let path = path_at(&code[at..]);
            if path.len() > 1 {
                paths.insert(path);
            }
        }
    }
    paths
}

fn path_at(code: &[String]) -> Vec<String> {
    let mut path = vec![code[0].clone()];
    let mut rest = &code[1..];
    while let [colons, word, after @ ..] = rest
        && colons == "::"
        && is_word(word)
    {
        path.push(word.clone());
        rest = after;
    }
    path
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::*;

    fn names(text: &str) -> Names {
        Names::of(&tokens(text))
    }

    fn paths(text: &str) -> Vec<String> {
        names(text).paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn groups_are_read_too() {
        let text = "use crate::a::B; use super::{c, d::{self, E as F,}, G}; fn h() { crate::i() }";
        let expected =
            ["crate::a::B", "crate::i", "super::G", "super::c", "super::d", "super::d::E"];
        assert_eq!(paths(text), expected);
        assert_eq!(names(text).imports["F"].join("::"), "super::d::E");
    }

    #[test]
    fn a_name_that_is_only_re_exported_is_not_used() {
        assert_eq!(paths("mod a; pub use a::B; pub(crate) use a::{C, D}; fn e(c: C) {}"), ["a::C"]);
    }

    #[test]
    fn modules_that_are_files_are_children() {
        let children = names("mod a; pub mod b; mod c { fn d() {} }").children;
        assert_eq!(children.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_bound_with_use_is_no_import() {
        assert!(names("fn a() -> impl B + use<'_> { c::d::<E>(); }").imports.is_empty());
        assert_eq!(paths("fn a() { b::c::<d::E>(); }"), ["b::c", "d::E"]);
    }
}
