//! Who may name whom: the layout says it, and this keeps it true.
//!
//! Reads the source as text. A module is `src/NAME.rs` with all under `src/NAME/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules of this crate that it may name.
const MAY_NAME: [(&str, &[&str]); 17] = [
    ("main", &[]),
    ("cli", &["app", "config", "heap", "proto", "rpc", "shutdown", "stats", "telemetry"]),
    (
        "app",
        &[
            "admin", "config", "health", "heap", "ingest", "memory", "record", "rpc", "stats",
            "table",
        ],
    ),
    ("ingest", &["config", "health", "heap", "pluck", "record", "stats", "table"]),
    ("rpc", &["config", "health", "heap", "memory", "proto", "record", "stats", "table"]),
    ("admin", &["health"]),
    ("pluck", &["config", "record"]),
    ("table", &["config", "heap", "record"]),
    ("stats", &["memory", "record", "table"]),
    ("memory", &["config", "heap"]),
    ("telemetry", &["config"]),
    ("config", &[]),
    ("health", &[]),
    ("heap", &[]),
    ("proto", &[]),
    ("record", &[]),
    ("shutdown", &[]),
];

/// Each dependency that is confined, and where it may be named.
const CONFINED: [(&str, &[&str]); 6] = [
    ("rdkafka", &["src/ingest", "src/cli/demo"]),
    ("simd_json", &["src/pluck"]),
    ("moka", &["src/table"]),
    ("axum", &["src/admin"]),
    ("tonic", &["src/rpc", "src/cli"]),
    ("tikv_jemalloc_sys", &["src/heap"]),
];

#[test]
fn modules_name_only_those_they_may() {
    for (path, text) in sources() {
        let module = module_of(&path);
        let allowed = MAY_NAME.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} has no rule here yet"));
        for named in named_modules(&text) {
            let own = named == module || !is_module(&named);
            assert!(
                own || allowed.contains(&named.as_str()),
                "{} names crate::{named}, and {module} may name only {allowed:?}",
                path.display()
            );
        }
    }
}

#[test]
fn dependencies_are_named_only_where_they_belong() {
    for (path, text) in sources() {
        for (dependency, places) in CONFINED {
            let named = text.contains(&format!("{dependency}::"));
            let here = places.iter().any(|place| path.starts_with(place) || is_file(&path, place));
            assert!(!named || here, "{} names {dependency}", path.display());
        }
    }
}

#[test]
fn the_library_lists_every_module() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for (module, _) in MAY_NAME.iter().filter(|(name, _)| *name != "main") {
        assert!(library.contains(&format!("pub mod {module};")), "{module} is not in lib.rs");
        assert!(library.contains(&format!("[`{module}`]")), "{module} is not explained in lib.rs");
    }
}

#[test]
fn no_module_keeps_state_for_the_whole_process() {
    for (path, text) in sources() {
        let allocator = module_of(&path) == "heap";
        let found = text.lines().any(|line| {
            let line = line.trim_start().trim_start_matches("pub ");
            line.starts_with("static ") || line.contains("thread_local!")
        });
        assert!(allocator || !found, "{} has a static", path.display());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file but the library's root, by its path from the project's root, without comments.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    assert!(files.len() > 30, "the source was not found");
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        (file.strip_prefix(root()).unwrap().to_owned(), code.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().map(read).filter(|(path, _)| path != Path::new("src/lib.rs")).collect()
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

fn module_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn is_file(path: &Path, place: &str) -> bool {
    path == Path::new(&format!("{place}.rs"))
}

fn is_module(name: &str) -> bool {
    root().join(format!("src/{name}.rs")).exists()
}

/// The first name of each path from the crate's root, in groups too.
fn named_modules(text: &str) -> BTreeSet<String> {
    text.split("crate::").skip(1).flat_map(first_names).collect()
}

fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return vec![first_name(path)] };
    let (mut depth, mut names, mut start) = (1, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                names.push(first_name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            names.push(first_name(&group[start..at]));
            break;
        }
    }
    names
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn groups_of_names_are_read_too() {
    let named = named_modules("use crate::a::B; use crate::{c, d::{self, E}, f}; crate::g()");
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["a", "c", "d", "f", "g"]);
}
