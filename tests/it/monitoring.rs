//! What is shipped in `deploy/monitoring` and `docs/runbook`: it names metrics, commands and pages
//! that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use millpond::telemetry::metrics::{Kind, catalogue};
use serde_json::Value;

use crate::command::run;
use crate::support::broker;
use crate::support::promtool::Promtool;
use crate::support::scrape::Scrape;
use crate::support::service::Service;

/// Labels whose values are not those of millpond, or not the same everywhere.
const OPEN_LABELS: [&str; 4] = ["job", "instance", "table", "topic"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rules_folder() -> PathBuf {
    root().join("deploy/monitoring/prometheus")
}

/// The files below some folders, with their contents.
fn files(folders: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    found
}

/// The words of a text that have only characters of names.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The names that the catalogue's metrics have in a scrape.
fn names_in_a_scrape() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for metric in catalogue::ALL {
        names.insert(metric.name.to_owned());
        if metric.kind == Kind::Histogram {
            names.extend(["bucket", "sum", "count"].map(|it| format!("{}_{it}", metric.name)));
        }
    }
    names
}

#[test]
fn every_metric_that_a_rule_a_panel_or_a_page_names_is_in_the_catalogue() {
    let known = names_in_a_scrape();
    let is_metric = |word: &&str| {
        let prefixes = ["millpond_", "grpc_server_", "process_"];
        prefixes.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len())
    };
    let mut all = files(&["deploy/monitoring", "docs/runbook"]);
    // DataDog has other names, which the next test checks.
    all.retain(|path, _| !path.ends_with("datadog/millpond.json"));
    let mut count = 0;
    for (path, text) in all {
        for name in words(&text).filter(is_metric) {
            assert!(known.contains(name), "{} names {name}", path.display());
            count += 1;
        }
    }
    assert!(count > 100, "{count} names were found");
}

#[test]
fn every_metric_that_the_dashboard_for_datadog_names_is_in_the_catalogue() {
    // As the check of DataDog's Agent names them.
    let name = |name: &str, kind| match kind {
        Kind::Counter => format!("millpond.{}.count", name.trim_end_matches("_total")),
        Kind::Gauge | Kind::Histogram | Kind::Info => format!("millpond.{name}"),
    };
    let short = |metric: &'static str| metric.trim_start_matches("millpond_");
    let known = catalogue::ALL.iter().map(|metric| name(short(metric.name), metric.kind));
    let known: BTreeSet<_> = known.collect();
    let text = fs::read_to_string(root().join("deploy/monitoring/datadog/millpond.json")).unwrap();
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
    let named: Vec<_> = text.match_indices("millpond.").map(|(at, _)| &text[at..]).collect();
    assert!(named.len() > 20);
    for rest in named {
        let name = rest.split(|c| !is_part(c)).next().unwrap();
        assert!(known.contains(name), "the dashboard names {name}");
    }
}

/// The queries of the panels and annotations of the dashboard for Grafana.
fn queries_of_grafana() -> Vec<String> {
    let text = fs::read_to_string(root().join("deploy/monitoring/grafana/millpond.json")).unwrap();
    let mut queries = Vec::new();
    collect_queries(&serde_json::from_str(&text).unwrap(), &mut queries);
    assert!(queries.len() > 30);
    queries
}

fn collect_queries(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            queries.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_queries(value, queries));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_queries(value, queries)),
        _ => {}
    }
}

#[test]
fn the_rules_and_their_tests_pass() {
    let Some(promtool) = Promtool::required_by("the_rules_and_their_tests_pass") else { return };
    let check = ["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"];
    promtool.run(&rules_folder(), &check, "").unwrap();
    promtool.run(&rules_folder(), &["test", "rules", "rules_test.yaml"], "").unwrap();
}

#[test]
fn the_queries_of_the_dashboard_parse() {
    let test = "the_queries_of_the_dashboard_parse";
    let Some(promtool) = Promtool::required_by(test) else { return };
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, query) in queries_of_grafana().into_iter().enumerate() {
        let query = Value::from(query.replace("$__rate_interval", "5m"));
        writeln!(rules, "      - record: query_{number}\n        expr: {query}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("queries.yaml"), rules).unwrap();
    promtool.run(folder.path(), &["check", "rules", "queries.yaml"], "").unwrap();
}

/// Each alert, and the page that it names.
fn alerts() -> Vec<(String, String)> {
    let rules = fs::read_to_string(rules_folder().join("rules.yaml")).unwrap();
    let values = |key: &str| -> Vec<String> {
        let lines = rules.lines().filter_map(|line| line.trim().strip_prefix(key));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    let (alerts, pages) = (values("- alert:"), values("runbook:"));
    assert_eq!(alerts.len(), pages.len(), "each alert names one page");
    assert!(alerts.len() >= 10);
    alerts.into_iter().zip(pages).collect()
}

#[test]
fn every_alert_has_a_test() {
    let tests = fs::read_to_string(rules_folder().join("rules_test.yaml")).unwrap();
    for (alert, _) in alerts() {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[test]
fn every_alert_has_a_page_of_its_own_and_the_list_names_every_page() {
    let list = fs::read_to_string(root().join("docs/runbook/README.md")).unwrap();
    let mut pages: BTreeSet<_> = files(&["docs/runbook"]).into_keys().collect();
    pages.remove(&root().join("docs/runbook/README.md"));
    for (alert, page) in alerts() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        assert!(text.starts_with(&format!("# {alert}\n")), "{page} is not about {alert}");
        let file = Path::new(&page).file_name().unwrap().to_string_lossy().into_owned();
        let row = format!("| `{alert}` | [{file}]({file}) |");
        assert!(list.contains(&row), "the list has no row {row}");
        pages.remove(&root().join(&page));
    }
    // The others are for people who are called without an alert.
    for page in pages {
        let file = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(list.contains(&format!("| [{file}]({file}) |")), "the list has no row of {file}");
    }
}

#[test]
fn every_page_says_what_it_means_how_to_look_and_what_to_do() {
    let mut pages = files(&["docs/runbook"]);
    pages.remove(&root().join("docs/runbook/README.md"));
    for (page, text) in pages {
        for heading in ["## What it means", "## How to look", "## What to do"] {
            assert!(text.contains(heading), "{} has no {heading:?}", page.display());
        }
    }
}

#[test]
fn the_links_of_the_pages_lead_somewhere() {
    let mut pages = files(&["deploy/monitoring", "docs/runbook"]);
    pages.retain(|path, _| path.extension().is_some_and(|extension| extension == "md"));
    let mut count = 0;
    for (path, text) in pages {
        for (_, rest) in text.match_indices("](").map(|(at, it)| (at, &text[at + it.len()..])) {
            let link = rest.split([')', '#']).next().unwrap();
            let target = path.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}", path.display());
            count += 1;
        }
    }
    assert!(count > 15, "{count} links were found");
}

/// The commands of millpond that the pages print, each in a console.
fn commands() -> BTreeSet<String> {
    let mut commands = BTreeSet::new();
    for (path, text) in files(&["docs/runbook"]) {
        let consoles = text.split("```console\n").skip(1);
        let consoles = consoles.map(|rest| rest.split("```").next().unwrap());
        let lines: Vec<_> = consoles.flat_map(str::lines).map(str::trim).collect();
        assert!(!lines.is_empty(), "{} shows no command", path.display());
        let of_millpond = lines.into_iter().filter(|line| line.starts_with("millpond "));
        commands.extend(of_millpond.map(str::to_owned));
    }
    commands
}

#[test]
fn the_commands_of_the_pages_exist() {
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        // Before it comes to help, the command line is checked, and nothing runs.
        let words: Vec<_> = command.split(' ').skip(1).chain(["--help"]).collect();
        let output = run(&words);
        assert!(output.status.success(), "{command}: {output:?}");
    }
}

/// What a text wants of labels by (in)equality, such as `{cause="evicted"}`: a metric, a label and a
/// value each.
fn wanted_labels(text: &str) -> Vec<(&str, &str, &str)> {
    let mut wanted = Vec::new();
    for (at, _) in text.match_indices('{') {
        let before = &text[..at];
        let Some(metric) = words(before).last().filter(|it| before.ends_with(it)) else { continue };
        let Some((selector, _)) = text[at + 1..].split_once('}') else { continue };
        for matcher in selector.split(", ") {
            let Some((label, value)) = matcher.split_once("=\"") else { continue };
            let label = label.trim_end_matches('!');
            if !OPEN_LABELS.contains(&label) {
                wanted.push((metric, label, value.trim_end_matches('"')));
            }
        }
    }
    wanted
}

#[test]
fn the_label_values_of_rules_and_panels_are_those_of_a_scrape() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let scrape = Scrape::of(service.admin, "text/plain").await;
        let rules = fs::read_to_string(rules_folder().join("rules.yaml")).unwrap();
        let texts: Vec<_> = queries_of_grafana().into_iter().chain([rules]).collect();
        let wanted: Vec<_> = texts.iter().flat_map(|text| wanted_labels(text)).collect();
        assert!(wanted.len() >= 5, "{wanted:?}");
        for (metric, label, value) in wanted {
            let labelled = format!("{label}=\"{value}\"");
            let is_there = scrape.series_of(metric).any(|series| series.contains(&labelled));
            assert!(is_there, "no series of {metric} has {labelled}");
        }
        service.stop().await;
    });
}
