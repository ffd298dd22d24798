//! `[admin]`: the HTTP server for operators: where it listens, what it keeps, and whom it serves.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use super::form::{Optional, Text, Truth};
use super::list::ListOf;
use super::listen::{ADDRESS, read_listen};
use super::secret_file::SecretFileForm;
use super::section::{Section, Unset};
use super::tls::{self, Tls};
use crate::small_file::unreadable;

pub(super) const ABOUT: &str = "The HTTP server for operators and probes: the dashboard, figures, and what changes the process.";

/// The HTTP server for operators and probes.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// A second address, for probes alone and without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_listen: Option<SocketAddr>,
    /// Further names by which browsers and scrapers may call it, in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The file with the token of calls that change something. None: there are no such calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Whether the past of the figures is kept.
    pub history: bool,
    /// Whether lookups are answered as JSON.
    pub lookups: bool,
    /// Its certificate. None: it speaks plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

const HOST: Text = Text {
    wanted: "names of hosts, such as \"millpond.example.org\"",
    fault: |text| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let is_name = !text.is_empty() && text.len() <= 253 && text.chars().all(legal);
        (!is_name).then_some("not the name of a host: leave out scheme, port and path")
    },
};

impl Admin {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = read_listen(section, "0.0.0.0:8080");
        let probe_listen = section.key(
            "probe_listen",
            &Optional(ADDRESS),
            Unset::Derived("none", || None),
            "A second address, in plaintext, for `/livez` and `/readyz` alone: for an orchestrator \
             that has no client certificate.",
        );
        let hosts = read_hosts(section);
        let token_file = read_token_file(section);
        let history = section.key(
            "history",
            &Truth,
            Unset::Means("true"),
            "Whether the past of the figures is kept in memory for the dashboard: each second for \
             15 minutes, each 10 seconds for 6 hours, each minute for 3 days. The memory budget \
             has a line for it.",
        );
        let lookups = section.key(
            "lookups",
            &Truth,
            Unset::Means("false"),
            "Whether this port answers lookups as JSON, for callers without gRPC: \
             `GET /v1/tables/TABLE/entries/KEY`, and `docs/CALLING.md` has the others. The caller needs \
             the rights that it needs by gRPC. With it the memory budget reserves 8 MiB more.",
        );
        let tls = section.optional_section("tls", tls::ABOUT, Tls::read);
        Some(Self {
            listen: listen?,
            probe_listen: probe_listen?,
            hosts: hosts?,
            token_file: token_file?,
            history: history?,
            lookups: lookups?,
            tls: tls?,
        })
    }
}

fn read_hosts(section: &mut Section<'_>) -> Option<Vec<String>> {
    let hosts = section.key(
        "hosts",
        &ListOf(HOST),
        Unset::Derived("none", Vec::new),
        "Names by which browsers and scrapers may call this port, beside IP addresses, names \
         without a dot, `*.localhost`, `*.svc` and `*.svc.cluster.local`. Another name is \
         refused, except for probes: a web page of somebody else could reach the port through \
         a name of its own.",
    );
    Some(hosts?.iter().map(|host| host.to_ascii_lowercase()).collect())
}

#[expect(clippy::option_option, reason = "None is a fault, as for every value here")]
fn read_token_file(section: &mut Section<'_>) -> Option<Option<PathBuf>> {
    let file = section.key(
        "token_file",
        &Optional(SecretFileForm),
        Unset::Derived("none", || None),
        "A file that holds one token of at least 16 characters. A call that changes the process, \
         such as its log filter, needs it as a bearer token, and so do profiles. Without this key \
         such calls are refused. The file is read at each of these calls. With it the memory \
         budget reserves 12 MiB for profiles.",
    )?;
    if let Some((wrong, cure)) = file.as_ref().and_then(unreadable) {
        let path = section.path_of("token_file");
        section.report.fault(&path, wrong, cure);
        return None;
    }
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};

    #[test]
    fn hosts_are_names_alone_and_compared_in_lower_case() {
        let config = load(SMALLEST, &[], &["admin.hosts=Millpond.Example.org"]).unwrap();
        assert_eq!(config.admin.hosts, ["millpond.example.org"]);
        let again = load(&config.effective(), &[], &[]).unwrap();
        assert_eq!(again.admin.hosts, config.admin.hosts);
        for wrong in ["https://example.org", "example.org:80", "a b", ""] {
            let found = faults(SMALLEST, &[], &[&format!("admin.hosts={wrong}")]);
            assert!(found[0].starts_with("admin.hosts: ") && found.len() == 1, "{found:?}");
        }
    }

    #[test]
    fn a_token_in_the_place_of_its_file_is_a_fault_that_does_not_show_it() {
        let setting = "admin.token_file=hunter2";
        let expected = "admin.token_file: there is no file at this path";
        assert_eq!(faults(SMALLEST, &[], &[setting]), [expected]);
        let error = load(SMALLEST, &[], &[setting]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
