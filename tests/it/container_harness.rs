//! The memory-limited container of the test harness limits, counts and cleans up as promised.
//!
//! Tests `container.rs` of the harness, on which other tests and the soak rely. Knows nothing of
//! millpond.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use crate::support::container::Container;

const LIMIT_BYTES: u64 = 32 << 20;
/// Allocates ever more memory: `tail` looks for the last line of an endless input without lines.
const GLUTTON: [&str; 2] = ["tail", "/dev/zero"];

fn container(test: &str) -> Option<Container> {
    Container::required_by(test, LIMIT_BYTES)
}

/// A process in the container that runs until its stdin is closed.
fn start_cat(container: &Container) -> Child {
    let mut command = container.command("cat");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 3];
    child.stdin.as_mut().unwrap().write_all(b"in\n").unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    child
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_process_over_the_limit_is_killed_and_counted() {
    let Some(container) = container("a_process_over_the_limit_is_killed_and_counted") else {
        return;
    };
    let [program, argument] = GLUTTON;
    let status = container.command(program).arg(argument).status().unwrap();
    assert_eq!(status.signal(), Some(9));
    assert_eq!(container.oom_kills().unwrap(), 1);
    assert!(container.limit_hits().unwrap() > 0);
    assert!(container.peak_bytes().unwrap() > LIMIT_BYTES / 2);
}

#[test]
fn a_process_under_the_limit_is_charged_and_left_alone() {
    let Some(container) = container("a_process_under_the_limit_is_charged_and_left_alone") else {
        return;
    };
    let child = start_cat(&container);
    assert!(container.usage_bytes().unwrap() > 0);
    end(child);
    assert!(container.peak_bytes().unwrap() < LIMIT_BYTES);
    assert_eq!((container.limit_hits().unwrap(), container.oom_kills().unwrap()), (0, 0));
}

#[test]
fn a_limit_changes_both_ways_under_a_running_process() {
    let Some(container) = container("a_limit_changes_both_ways_under_a_running_process") else {
        return;
    };
    let child = start_cat(&container);
    container.set_limit(LIMIT_BYTES / 2).unwrap();
    container.set_limit(LIMIT_BYTES * 2).unwrap();
    end(child);
}

#[test]
fn a_group_is_removed_when_its_owner_is_dropped() {
    let Some(container) = container("a_group_is_removed_when_its_owner_is_dropped") else { return };
    let folder = container.folder().to_owned();
    end(start_cat(&container));
    assert!(folder.exists());
    drop(container);
    assert!(!folder.exists(), "{} is still there", folder.display());
}

/// A machine has at most one version mounted, so a folder stands in for version 2.
#[test]
fn a_group_of_version_2_is_used_through_its_own_files() {
    let mount = tempfile::tempdir().unwrap();
    fs::write(mount.path().join("cgroup.controllers"), "cpu memory pids\n").unwrap();
    let container = Container::under(mount.path(), LIMIT_BYTES).unwrap();
    let text = |file: &str| fs::read_to_string(container.folder().join(file)).unwrap();
    assert_eq!(text("memory.max"), LIMIT_BYTES.to_string());
    assert_eq!(text("../cgroup.subtree_control"), "+memory");

    let events = "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n";
    let files = [("memory.current", "5\n"), ("memory.peak", "6\n"), ("memory.events", events)];
    for (file, text) in files {
        fs::write(container.folder().join(file), text).unwrap();
    }
    assert_eq!((container.usage_bytes().unwrap(), container.peak_bytes().unwrap()), (5, 6));
    assert_eq!((container.limit_hits().unwrap(), container.oom_kills().unwrap()), (7, 2));

    // The kernel would remove these files together with a real group.
    for file in fs::read_dir(container.folder()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
}
