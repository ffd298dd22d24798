//! Checks of the policy against the rest: tables that there are not, and entries that can never
//! apply.

use super::access::Access;
use super::allow::{Allow, AllowedTables};
use super::report::Report;
use super::rpc::Rpc;
use super::table::Table;
use super::who::Who;

/// Every entry can apply, and every way to identify callers is of use.
pub(super) fn check(rpc: &Rpc, tables: &[Table], report: &mut Report) {
    for (number, entry) in rpc.access.allow.iter().enumerate() {
        let path = format!("rpc.allow[{number}]");
        check_tables(&format!("{path}.tables"), entry, tables, report);
        check_methods(&format!("{path}.methods"), entry, report);
        check_who(&format!("{path}.who"), entry, rpc, report);
    }
    check_use(&rpc.access, report);
}

fn check_tables(path: &str, entry: &Allow, tables: &[Table], report: &mut Report) {
    let AllowedTables::Named(names) = &entry.tables else { return };
    for name in names.iter().filter(|name| tables.iter().all(|table| table.name != **name)) {
        let known: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        let cure = format!("write the name of a table, or \"*\"; there are: {}", known.join(", "));
        report.fault(path, format!("found {name:?}: there is no such table"), cure);
    }
}

fn check_methods(path: &str, entry: &Allow, report: &mut Report) {
    if entry.tables.covers_all() {
        return;
    }
    for methods in entry.methods.iter().filter(|methods| methods.are_of_the_service()) {
        let wrong =
            format!("found \"{methods}\": it is not about one table, and tables names some");
        report.fault(path, wrong, "give it an entry of its own with tables = [\"*\"]");
    }
}

fn check_who(path: &str, entry: &Allow, rpc: &Rpc, report: &mut Report) {
    let has_client_ca = rpc.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    let Access { tokens, jwt, .. } = &rpc.access;
    for who in &entry.who {
        let (is_possible, lacking) = match who {
            Who::Certificate(_) => (has_client_ca, "rpc.tls.client_ca"),
            Who::Token(_) => (tokens.is_some(), "[rpc.tokens]"),
            Who::Jwt(_) => (jwt.is_some(), "[rpc.jwt]"),
            Who::Anyone => {
                let is_possible = has_client_ca || tokens.is_some() || jwt.is_some();
                (is_possible, "rpc.tls.client_ca, [rpc.tokens] or [rpc.jwt]")
            }
            Who::Anonymous => continue,
        };
        if !is_possible {
            let wrong = format!("found \"{who}\": nobody can prove that without {lacking}");
            report.fault(path, wrong, format!("write {lacking} too, or leave this out"));
        }
    }
}

fn check_use(access: &Access, report: &mut Report) {
    let sections = [("rpc.tokens", access.tokens.is_some()), ("rpc.jwt", access.jwt.is_some())];
    let unused = sections.into_iter().filter(|(_, is_there)| *is_there && access.allow.is_empty());
    for (path, _) in unused {
        let wrong = "this is of no use without a policy: everybody may look up";
        report.fault(path, wrong, "write [[rpc.allow]] entries too, or leave this out");
    }
}
