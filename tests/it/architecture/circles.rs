//! Files of a crate that use each other in a circle.
//!
//! Owns following a path to the file that defines the name, through modules that re-export or
//! import it. It must not know which circles are allowed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::slice;

use super::names::Names;
use super::source::{Source, folder_of};

/// How many re-exports a name may go through.
const MAX_STEPS: usize = 8;

/// The files of a crate, each under the folder in which its child modules are.
struct Crate {
    root: PathBuf,
    files: BTreeMap<PathBuf, (PathBuf, Names)>,
}

/// For each file: the files that it uses, and the names that it uses from each.
type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// The circles in each crate of these sources, each described step by step.
pub(super) fn circles(sources: &[Source]) -> Vec<String> {
    crates(sources).iter().flat_map(Crate::circles).collect()
}

/// The crates whose root is a `lib.rs`, or else a `main.rs`.
fn crates(sources: &[Source]) -> Vec<Crate> {
    let is_root = |path: &&Path| path.ends_with("lib.rs") || path.ends_with("main.rs");
    let paths = sources.iter().map(|source| source.path.as_path());
    let roots: BTreeSet<PathBuf> = paths.filter(is_root).map(folder_of).collect();
    let mut crates = BTreeMap::new();
    for source in sources {
        let folder = folder_of(&source.path);
        let Some(root) = folder.ancestors().find(|folder| roots.contains(*folder)) else {
            continue;
        };
        let files: &mut BTreeMap<_, _> = crates.entry(root.to_owned()).or_default();
        // A main.rs sorts after the lib.rs beside it, and is a small crate of its own.
        files.entry(folder).or_insert_with(|| (source.path.clone(), Names::of(&source.tokens)));
    }
    crates.into_iter().map(|(root, files)| Crate { root, files }).collect()
}

impl Crate {
    fn circles(&self) -> Vec<String> {
        let uses = self.uses();
        let mut seen = BTreeSet::new();
        let circles = uses.keys().filter_map(|file| shortest_circle(&uses, file));
        circles
            .filter(|circle| seen.insert(circle.iter().cloned().collect::<BTreeSet<_>>()))
            .map(|circle| describe(&uses, &circle))
            .collect()
    }

    fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (module, (file, names)) in &self.files {
            let targets = uses.entry(file.clone()).or_default();
            for path in &names.paths {
                let Some((target, name)) = self.follow(module, path, MAX_STEPS) else { continue };
                if target != file {
                    targets.entry(target.clone()).or_default().insert(name);
                }
            }
        }
        uses
    }

    /// Finds the file that defines the item at `path`, as seen from `module`, and the item's name
    /// there. None for a module, and for an item of another crate.
    fn follow(&self, module: &Path, path: &[String], steps: usize) -> Option<(&PathBuf, String)> {
        let (module, rest) = self.module_at(module, path)?;
        let (name, rest) = rest.split_first()?;
        let (file, names) = self.files.get(&module)?;
        let Some(import) = names.imports.get(name) else { return Some((file, name.clone())) };
        let path = [import, rest].concat();
        self.follow(&module, &path, steps.checked_sub(1)?)
    }

    /// The last module on a path that starts in the module `from`, and the rest of the path.
    fn module_at<'a>(&self, from: &Path, path: &'a [String]) -> Option<(PathBuf, &'a [String])> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => self.root.clone(),
            "self" => from.to_owned(),
            "super" => from.parent()?.to_owned(),
            _ => self.module_named(from, first)?,
        };
        while let Some((next, after)) = rest.split_first() {
            if next == "super" {
                module.pop();
            } else if self.files.contains_key(&module.join(next)) {
                module.push(next);
            } else {
                break;
            }
            rest = after;
        }
        Some((module, rest))
    }

    /// The child or imported module that has this name in `from`.
    fn module_named(&self, from: &Path, name: &str) -> Option<PathBuf> {
        let (_, names) = self.files.get(from)?;
        if names.children.contains(name) {
            return Some(from.join(name));
        }
        let import = names.imports.get(name).filter(|import| import[0] != name)?;
        let (module, rest) = self.module_at(from, import)?;
        rest.is_empty().then_some(module)
    }
}

/// The files on the shortest way from a file back to itself.
fn shortest_circle(uses: &Uses, file: &PathBuf) -> Option<Vec<PathBuf>> {
    let mut ways = VecDeque::from([vec![file.clone()]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses[way.last()?].keys() {
            if next == file {
                return Some(way);
            }
            if reached.insert(next) {
                ways.push_back([way.as_slice(), slice::from_ref(next)].concat());
            }
        }
    }
    None
}

/// A line for each step of a circle: which file uses which other, for which names.
fn describe(uses: &Uses, circle: &[PathBuf]) -> String {
    let next = circle.iter().cycle().skip(1);
    let steps = circle.iter().zip(next).map(|(file, next)| {
        let names: Vec<_> = uses[file][next].iter().map(String::as_str).collect();
        format!("{} -> {}: {}", file.display(), next.display(), names.join(", "))
    });
    steps.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::*;

    /// The circles of a crate of these files, each a path and a text.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let source = |&(path, text): &(&str, &str)| Source {
            path: Path::new("src").join(path),
            tokens: tokens(text),
        };
        circles(&files.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn siblings_that_use_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::{B, C};"),
            ("b.rs", "use super::a; fn f() { a::A::new() }"),
        ];
        assert_eq!(found(&files), ["src/a.rs -> src/b.rs: B, C\nsrc/b.rs -> src/a.rs: A"]);
    }

    #[test]
    fn a_parent_that_uses_the_child_that_uses_it_is_a_circle() {
        let child = ("a/b.rs", "fn f(p: super::Parent) {}");
        let uses = [("lib.rs", "mod a;"), ("a.rs", "mod b; fn g() { b::f() }"), child];
        assert_eq!(found(&uses), ["src/a/b.rs -> src/a.rs: Parent\nsrc/a.rs -> src/a/b.rs: f"]);
        let only_declares = [("lib.rs", "mod a;"), ("a.rs", "mod b; struct Parent;"), child];
        assert!(found(&only_declares).is_empty());
        let re_exports = [("lib.rs", "mod a;"), ("a.rs", "mod b; pub use b::f;"), child];
        assert!(found(&re_exports).is_empty());
    }

    #[test]
    fn a_child_that_uses_a_sibling_through_the_parent_is_none() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; use b::B; pub use c::C; fn f(b: B) {}"),
            ("a/b.rs", "use super::C; use super::c::D; struct B(C, D);"),
            ("a/c.rs", "pub struct C; pub struct D;"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_circle_is_found_through_re_exports() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::C as D;"),
            ("b.rs", "pub use crate::c::C;"),
            ("c.rs", "pub struct C(crate::a::A);"),
        ];
        assert_eq!(found(&files), ["src/a.rs -> src/c.rs: C\nsrc/c.rs -> src/a.rs: A"]);
    }

    #[test]
    fn each_crate_is_searched() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("main.rs", "use millpond::a;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", ""),
            ("bin/c/main.rs", "mod a; mod b;"),
            ("bin/c/a.rs", "use crate::b::B;"),
            ("bin/c/b.rs", "use crate::a::A;"),
        ];
        let expected = "src/bin/c/a.rs -> src/bin/c/b.rs: B\nsrc/bin/c/b.rs -> src/bin/c/a.rs: A";
        assert_eq!(found(&files), [expected]);
    }

    #[test]
    fn other_crates_are_no_part_of_a_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use std::fmt; use crate::b::fmt as other;"),
            ("b.rs", "pub use std::fmt; use super::a::Display; fn f() { fmt::Display }"),
        ];
        assert!(found(&files).is_empty());
    }
}
