//! `top` and `stats --watch` on a terminal and elsewhere: what they show, and what they leave behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use millpond_acceptance::terminal::{TAKEN, Terminal};
use serde_json::Value;

use crate::command::{answer_when_ready, millpond, run, serve, text};
use crate::support::broker;

/// Runs `behaviour` with the endpoint of a service, and with what ends the service.
fn with_service(behaviour: impl FnOnce(&str, &mut dyn FnMut())) {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let (running, endpoint) = serve(broker, &topic);
        answer_when_ready(&endpoint);
        let mut running = Some(running);
        behaviour(&endpoint, &mut || drop(running.take()));
    });
}

fn top(endpoint: &str) -> Option<Terminal> {
    let binary = env!("CARGO_BIN_EXE_millpond");
    let terminal = Terminal::required_by("top", &format!("{binary} top --endpoint {endpoint}"))?;
    terminal.wait_for(TAKEN);
    Some(terminal)
}

fn signal(process: &str, name: &str) {
    let sent = Command::new("kill").args(["-s", name, process]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn top_draws_the_service_and_gives_the_terminal_back_at_a_key() {
    with_service(|endpoint, _| {
        let Some(mut top) = top(endpoint) else { return };
        let before = top.value("before=");
        // A word each: what stays the same between two words is not written again.
        for shown in ["memory", "services", "ready", "pressure:"] {
            top.wait_for(shown);
        }
        top.press("2");
        top.wait_for("position");
        top.press("q");
        assert_eq!(top.end(&before), "0");
    });
}

#[test]
fn top_gives_the_terminal_back_at_every_signal_that_ends_it() {
    with_service(|endpoint, _| {
        for name in ["TERM", "INT", "HUP", "QUIT"] {
            let Some(top) = top(endpoint) else { return };
            let (before, process) = (top.value("before="), top.value("process="));
            top.wait_for("memory");
            signal(&process, name);
            assert_eq!(top.end(&before), "0", "{name}");
        }
    });
}

#[test]
fn top_goes_on_when_the_service_is_lost_and_when_the_terminal_gets_small() {
    with_service(|endpoint, end_service| {
        let Some(mut top) = top(endpoint) else { return };
        let (before, terminal) = (top.value("before="), top.value("terminal="));
        top.wait_for("memory");
        for (columns, rows) in [("20", "5"), ("1", "1"), ("100", "30")] {
            top.forget();
            let resize = ["-F", &terminal, "cols", columns, "rows", rows];
            assert!(Command::new("stty").args(resize).status().unwrap().success());
            if columns != "1" {
                top.wait_for("services");
            }
        }
        end_service();
        top.wait_for("LOST for");
        top.press("\u{3}");
        assert_eq!(top.end(&before), "0");
    });
}

#[test]
fn top_wants_a_terminal_and_says_what_to_use_instead() {
    let refused = run(&["top"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("stats --watch"), "{refused:?}");
}

#[test]
fn statistics_are_watched_as_lines_of_json_and_as_text() {
    with_service(|endpoint, end_service| {
        let words = ["stats", "--watch", "--output", "json", "--endpoint", endpoint];
        let mut watching =
            millpond().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
        let mut next = || -> Value {
            serde_json::from_str(&lines.next().expect("a line").unwrap()).expect("JSON")
        };
        let (first, second) = (next(), next());
        assert_eq!(first["startTime"], second["startTime"]);
        assert_ne!(first["uptime"], second["uptime"]);
        assert_eq!(first["tables"][0]["name"], "services");
        end_service();
        let ended = watching.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(69), "{ended:?}");
    });
}

#[test]
fn statistics_on_a_terminal_are_drawn_in_their_place() {
    with_service(|endpoint, _| {
        let binary = env!("CARGO_BIN_EXE_millpond");
        let command = format!("{binary} stats --watch=1s --endpoint {endpoint}");
        let Some(stats) = Terminal::required_by("stats --watch", &command) else { return };
        stats.wait_for("\u{1b}[32mready\u{1b}[0m");
        let process = stats.value("process=");
        stats.forget();
        stats.wait_for("\u{1b}[H");
        signal(&process, "INT");
        assert_eq!(stats.value("status="), "130", "a shell's word for Ctrl-C");
    });
}

#[test]
fn a_shell_gets_completions_and_the_manual_its_pages() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.status.code(), Some(0), "{shell}");
        let script = text(&script.stdout);
        assert!(script.contains("rejections") && script.contains("no-color"), "{shell}");
        assert!(!script.contains("demo-kafka"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(run(&["man", pages.to_str().unwrap()]).status.code(), Some(0));
    for page in ["millpond.1", "millpond-top.1", "millpond-stats.1"] {
        let page = std::fs::read_to_string(pages.join(page)).expect(page);
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(text(&run(&["man"]).stdout).contains("millpond\\-top"));
}
