//! Every identity, method and table: each cell is as the policy says. What is expected is worked out
//! here from the same rules, in another way.

use super::*;

/// Who may call which methods for which tables. Several names have spaces between them.
const RULES: [(&str, &str, &str); 7] = [
    ("certificate:spiffe://td/web", "Get BatchGet", "orders"),
    ("certificate:spiffe://td/web", "LookupService", "stock"),
    ("token:web", "Get", "orders stock"),
    ("token:web", "MaintenanceService", "*"),
    ("jwt:system:serviceaccount:shop:web", "*", "orders"),
    ("jwt:system:serviceaccount:shop:admin", "*", "*"),
    ("anonymous", "ListTables", "stock"),
];

/// Each identity, by the proof that a caller has.
const IDENTITIES: [&str; 7] = [
    "certificate:spiffe://td/web",
    "certificate:spiffe://td/other",
    "token:web",
    "token:other",
    "jwt:system:serviceaccount:shop:web",
    "jwt:system:serviceaccount:shop:admin",
    "anonymous",
];

#[test]
fn every_cell_of_identities_methods_and_tables_is_as_the_policy_says() {
    let entries: String = RULES.map(|(who, methods, tables)| allow(who, methods, tables)).concat();
    let gate = Gate::new(&entries);
    let lines = token_line("web", "secret") + &token_line("other", "secret-of-other");
    fs::write(gate.folder.path().join("tokens"), lines).unwrap();
    gate.access.0.tokens.as_ref().unwrap().refresh();
    let (mut cells, mut allowed) = (0, 0);
    for identity in IDENTITIES {
        let (peer, authorization) = proof(&gate, identity);
        for (target, table) in cells_of_one() {
            let scope = table.map_or(Scope::AllTables, Scope::Table);
            let outcome = call(&peer, authorization.as_deref(), target, scope);
            let expected = if is_allowed(identity, target, table) {
                Ok(())
            } else if identity == "anonymous" {
                Err(Denial::Unauthenticated)
            } else {
                Err(Denial::PermissionDenied)
            };
            assert_eq!(outcome, expected, "{identity} {target:?} {table:?}");
            (cells, allowed) = (cells + 1, allowed + usize::from(outcome.is_ok()));
        }
    }
    assert_eq!(cells, IDENTITIES.len() * Target::COUNT * (TABLES.len() + 2));
    assert!(allowed > 0 && allowed < cells);
}

/// A method that a later version adds is in `Method::ALL`. So it is here, and nobody may call it
/// until an entry names it.
#[test]
fn a_method_that_no_entry_names_is_denied() {
    for named in Method::ALL {
        let gate = Gate::new(&allow("token:web", named.name(), "*"));
        for method in Method::ALL {
            let target = Target::Method(method);
            let outcome = call(&gate.peer(None), Some("Bearer secret"), target, Scope::AllTables);
            assert_eq!(outcome.is_ok(), method == named, "{method:?} where {named:?} is allowed");
        }
    }
}

/// Every target, for each table, for one that does not exist, and for all together.
fn cells_of_one() -> impl Iterator<Item = (Target, Option<&'static str>)> {
    let tables = TABLES.map(Some).into_iter().chain([Some("missing"), None]);
    Target::all().flat_map(move |target| tables.clone().map(move |table| (target, table)))
}

fn proof(gate: &Gate, identity: &str) -> (PeerAccess, Option<String>) {
    match identity.split_once(':') {
        Some(("certificate", uri)) => (gate.peer(Some(&certificate(&[uri]))), None),
        Some(("token", "web")) => (gate.peer(None), Some("Bearer secret".into())),
        Some(("token", name)) => (gate.peer(None), Some(format!("Bearer secret-of-{name}"))),
        Some(("jwt", subject)) => {
            (gate.peer(None), Some(format!("Bearer {}", gate.issuer.token(&claims(subject)))))
        }
        _ => (gate.peer(None), None),
    }
}

fn is_allowed(identity: &str, target: Target, table: Option<&str>) -> bool {
    RULES.iter().any(|(who, methods, tables)| {
        let is_method = methods.split(' ').any(|name| match target {
            Target::Method(method) => [method.name(), method.service(), "*"].contains(&name),
            Target::Reflection => ["ServerReflection", "*"].contains(&name),
            Target::Unknown => name == "*",
        });
        let is_table = tables.split(' ').any(|name| name == "*" || Some(name) == table);
        *who == identity && is_method && is_table
    })
}
