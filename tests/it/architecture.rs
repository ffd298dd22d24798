//! The rules of the source tree: which module may name which, and how functions are named.
//!
//! Owns the rules. They are checked on the source text, so code that a macro generates is not
//! checked. A module is `src/NAME.rs` with all files under `src/NAME/`.

mod circles;
mod names;
mod predicates;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use names::Names;
use source::{Source, find, root, sources, without_tests};

/// Each module and the modules of this crate that it may name.
const MAY_NAME: [(&str, &[&str]); 26] = [
    ("main", &[]),
    ("cli", &["app", "config", "heap", "proto", "shutdown", "stats", "telemetry"]),
    (
        "app",
        &[
            "access",
            "admin",
            "clock",
            "config",
            "health",
            "heap",
            "history",
            "ingest",
            "memory",
            "record",
            "rpc",
            "stats",
            "table",
            "telemetry",
            "threads",
            "tls",
            "trace",
        ],
    ),
    (
        "ingest",
        &[
            "clock",
            "config",
            "health",
            "heap",
            "pluck",
            "record",
            "small_file",
            "stats",
            "table",
            "threads",
        ],
    ),
    ("access", &["config", "heap", "proto", "request_id", "small_file", "stats", "threads"]),
    (
        "rpc",
        &[
            "access",
            "clock",
            "config",
            "health",
            "heap",
            "memory",
            "proto",
            "record",
            "request_id",
            "stats",
            "table",
            "threads",
            "tls",
            "trace",
        ],
    ),
    // Of `rpc` it gets the way to methods that show keys and values.
    (
        "admin",
        &[
            "config",
            "health",
            "heap",
            "history",
            "profile",
            "proto",
            "rpc",
            "small_file",
            "stats",
            "telemetry",
            "threads",
            "tls",
        ],
    ),
    ("history", &["heap", "memory", "record", "stats", "table"]),
    // Its statistics are plain data of `stats`, as everywhere.
    ("tls", &["config", "heap", "record", "small_file", "stats"]),
    ("pluck", &["config", "record"]),
    ("table", &["clock", "config", "heap", "record"]),
    ("stats", &["clock", "memory", "record", "table", "trace"]),
    ("memory", &["config", "heap"]),
    ("telemetry", &["config", "memory", "record", "stats", "table", "trace"]),
    ("clock", &["record"]),
    ("config", &["proto", "small_file"]),
    ("health", &[]),
    ("heap", &[]),
    ("profile", &["heap"]),
    ("proto", &[]),
    ("record", &[]),
    ("request_id", &[]),
    ("shutdown", &[]),
    ("small_file", &[]),
    ("threads", &["heap"]),
    ("trace", &[]),
];

/// Each restricted dependency, and the places that may name it.
const CONFINED: [(&str, &[&str]); 18] = [
    ("rdkafka", &["src/ingest", "src/cli/demo/kafka", "src/cli/demo/leak"]),
    ("simdutf8", &["src/pluck"]),
    ("moka", &["src/table"]),
    ("axum", &["src/admin"]),
    ("hyper", &["src/admin", "src/rpc/net"]),
    ("tokio_rustls", &["src/tls"]),
    ("tonic", &["src/rpc", "src/cli", "src/telemetry/otlp"]),
    ("prometheus_client", &["src/telemetry/metrics"]),
    ("ratatui", &["src/cli/top"]),
    ("crossterm", &["src/cli/top", "src/cli/stats/watch"]),
    ("tikv_jemalloc_sys", &["src/heap"]),
    ("rustix", &["src/heap"]),
    ("libc", &["src/profile/cpu"]),
    ("framehop", &["src/profile/cpu"]),
    ("rustc_demangle", &["src/profile"]),
    ("jsonwebtoken", &["src/access/jwt"]),
    ("ureq", &["src/access/jwt"]),
    ("x509_parser", &["src/access/certificate", "src/tls/certificate"]),
];

/// Workspace members with restricted dependencies, and the crates that they may not depend on.
const MAY_NOT_DEPEND: [(&str, &[&str]); 2] = [
    // Other people's programs include the client, so it stays small.
    ("clients/rust", &["rdkafka", "moka", "tikv-jemalloc-sys", "millpond"]),
    // The harness knows the service only from outside.
    ("acceptance", &["moka", "millpond"]),
];

/// The only files that may read the system's clock, which may be set: the clock that follows it, and
/// those that say when something happened, or whether a certificate is valid. Lives are counted with
/// `clock::Clock`.
const MAY_READ_THE_SYSTEM_CLOCK: [&str; 11] = [
    "src/access/jwt.rs",
    "src/app/snapshot.rs",
    "src/cli/stats.rs",
    "src/clock.rs",
    "src/ingest/brokers.rs",
    "src/ingest/outage.rs",
    "src/ingest/topic_statuses.rs",
    "src/record/timestamp.rs",
    "src/tls/rotation.rs",
    "src/tls.rs",
    "src/trace/span.rs",
];

/// The folders with source files. The fuzz target is left out: it includes single files of the
/// service by path, because the C code of the whole crate takes minutes to build.
const FOLDERS: [&str; 6] = ["src", "clients", "acceptance", "benches", "tests", "examples"];

#[test]
fn modules_name_only_the_modules_that_they_may() {
    for (source, names) in service() {
        let module = module_of(&source.path);
        let allowed = MAY_NAME.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} has no rule here yet"));
        for named in named_modules(&names) {
            assert!(
                named == module || allowed.contains(&named),
                "{} names crate::{named}, and {module} may name only {allowed:?}",
                source.path.display()
            );
        }
    }
}

#[test]
fn every_permission_to_name_a_module_is_used() {
    let service = service();
    for (module, allowed) in MAY_NAME {
        let of_it = service.iter().filter(|(source, _)| module_of(&source.path) == module);
        let named: BTreeSet<_> = of_it.flat_map(|(_, names)| named_modules(names)).collect();
        let unused: Vec<_> = allowed.iter().filter(|name| !named.contains(*name)).collect();
        assert!(unused.is_empty(), "{module} does not name {unused:?}");
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let folders = FOLDERS.iter().filter(|folder| **folder != "tests");
    let sources = folders.flat_map(|folder| sources(folder)).collect();
    let circles = circles::circles(&without_tests(sources));
    assert!(circles.is_empty(), "{} circles of files:\n{}", circles.len(), circles.join("\n\n"));
}

#[test]
fn functions_named_is_has_or_can_return_a_bool_and_change_nothing() {
    let mut misnamed = Vec::new();
    for source in FOLDERS.iter().flat_map(|folder| sources(folder)) {
        let found = predicates::misnamed(&source).into_iter();
        misnamed.extend(found.map(|name| format!("{}: {name}", source.path.display())));
    }
    assert!(misnamed.is_empty(), "{}", misnamed.join("\n"));
}

#[test]
fn no_file_is_included_by_a_path_attribute() {
    for source in FOLDERS.iter().flat_map(|folder| sources(folder)) {
        let found = find(&source.tokens, &["#", "[", "path", "="]);
        assert!(found.is_none(), "{} has a #[path]", source.path.display());
    }
}

#[test]
fn dependencies_are_named_only_where_they_belong() {
    for (dependency, places) in CONFINED {
        let of_it = |names: &Names| names.first_names().contains(dependency);
        let service = service();
        let naming = service.iter().filter(|(_, names)| of_it(names));
        let paths: Vec<_> = naming.map(|(source, _)| source.path.with_extension("")).collect();
        assert!(!paths.is_empty(), "no file names {dependency}");
        for path in paths {
            let belongs = places.iter().any(|place| path.starts_with(place));
            assert!(belongs, "{} names {dependency}", path.display());
        }
    }
}

#[test]
fn lives_are_counted_with_a_clock_that_nobody_sets() {
    let reads_it = |source: &Source| {
        let types = ["Timestamp", "SystemTime"];
        types.iter().any(|name| find(&source.tokens, &[name, "::", "now"]).is_some())
    };
    let reading = without_tests(sources("src")).into_iter().filter(reads_it);
    let paths: Vec<_> = reading.map(|source| source.path.display().to_string()).collect();
    assert_eq!(paths, MAY_READ_THE_SYSTEM_CLOCK);
}

#[test]
fn what_the_guide_to_changes_names_is_there() {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, section) = guide.split_once("### Where to change what\n").unwrap();
    let (table, _) = section.split_once("\n## ").unwrap();
    let (mut paths, mut text) = (0, String::new());
    // Every second part is between backticks: a path, and then names in the file at that path.
    for row in table.lines().filter(|line| line.contains("`src/")) {
        for name in row.split('`').skip(1).step_by(2).filter(|name| !name.contains('=')) {
            let path = root().join(name);
            if path.is_file() {
                (paths, text) = (paths + 1, fs::read_to_string(path).unwrap());
            } else {
                assert!(path.exists() || text.contains(name), "{name} is not there: {row}");
            }
        }
    }
    assert!(paths >= 10, "the guide was not read");
}

#[test]
fn members_do_not_depend_on_forbidden_crates() {
    for (member, excluded) in MAY_NOT_DEPEND {
        let dependencies = dependencies_of(member);
        assert!(!dependencies.is_empty(), "the dependencies of {member} were not found");
        for name in excluded {
            assert!(!dependencies.contains(*name), "{member} depends on {name}");
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
    for (source, _) in service() {
        // A signal belongs to the whole process, too.
        let is_handler = source.path == Path::new("src/profile/cpu/sampler.rs");
        let may_have = is_handler || module_of(&source.path) == "heap";
        let found = source.tokens.iter().enumerate().any(|(at, token)| {
            let is_lifetime = at > 0 && source.tokens[at - 1] == "'";
            (token == "static" && !is_lifetime) || token == "thread_local"
        });
        assert!(may_have || !found, "{} has a static", source.path.display());
    }
}

/// Every file of the service except the library's root, with the names that it uses.
fn service() -> Vec<(Source, Names)> {
    let mut files = sources("src");
    assert!(files.len() > 30, "the source was not found");
    files.retain(|source| source.path != Path::new("src/lib.rs"));
    let named = |source: Source| {
        let names = Names::of(&source.tokens);
        (source, names)
    };
    files.into_iter().map(named).collect()
}

/// The crates that a member of the workspace depends on.
fn dependencies_of(member: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let sections = sections.iter().filter_map(|section| manifest.get(*section)?.as_table());
    sections.flat_map(|section| section.keys().cloned()).collect()
}

fn module_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of the service that are named from its root.
fn named_modules(names: &Names) -> BTreeSet<&str> {
    let paths = names.paths.iter().chain(names.imports.values());
    let from_root = paths.filter(|path| path[0] == "crate").filter_map(|path| path.get(1));
    let is_module = |name: &&str| root().join(format!("src/{name}.rs")).exists();
    from_root.map(String::as_str).filter(is_module).collect()
}
