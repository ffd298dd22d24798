//! The machine that the comparison ran on.

use std::fs;
use std::process::Command;

use crate::table::Table;
use crate::text_server::Protocol;

pub(crate) fn table() -> Table {
    let mut table = Table::of_words(&["", ""]);
    let cores = std::thread::available_parallelism().map_or(0, Into::into);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    table.row([&"processor", &format!("{model}, {cores} cores")]);
    table.row([&"memory", &field("/proc/meminfo", "MemTotal").unwrap_or_default()]);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    table.row([&"kernel", &kernel.trim()]);
    table.row([&"compiler", &said(Command::new("rustc").arg("--version"))]);
    let commit = said(Command::new("git").args(["describe", "--always", "--dirty"]));
    table.row([&"millpond", &format!("{} {commit}", env!("CARGO_PKG_VERSION"))]);
    let (number, client) = rdkafka::util::get_rdkafka_version();
    table.row([&"librdkafka", &format!("{client} ({number:#x})")]);
    for protocol in Protocol::ALL {
        table.row([&protocol.name(), &protocol.version().unwrap_or_else(|_| "absent".to_owned())]);
    }
    for (tool, arguments) in [("go", "version"), ("java", "--version")] {
        let said = said(Command::new(tool).arg(arguments));
        table.row([&tool, &said.lines().next().unwrap_or("absent")]);
    }
    table
}

/// The value in a file of lines such as `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
