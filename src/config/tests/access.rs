//! The policy, and how callers are identified.

use std::fmt::Write as _;

use super::super::{AllowedTables, Config, JwtKeys};
use super::{SMALLEST, faults, load};

const TOKENS: &str = "[rpc.tokens]\nfile = \"/tokens\"\n";
const JWT: &str = "[rpc.jwt]\nissuer = \"i\"\naudience = \"a\"\n";

fn entry(who: &str, methods: &str, tables: &str) -> String {
    format!("[[rpc.allow]]\nwho = {who}\nmethods = {methods}\ntables = {tables}\n")
}

fn faults_of(more: &str) -> Vec<String> {
    faults(&format!("{SMALLEST}{more}"), &[], &[])
}

#[test]
fn a_policy_is_read_and_written_as_it_was() {
    let mut text = format!("{SMALLEST}{TOKENS}{JWT}jwks_file = \"/jwks\"\n");
    text += &entry(r#"["token:web", "*"]"#, r#"["Get", "StatsService"]"#, r#"["*"]"#);
    text += "calls_per_second = 100\nbytes_per_second = \"1MiB\"\n";
    text += &entry(r#""anonymous""#, r#""BatchGet""#, r#""services""#);
    let config = load(&text, &[], &[]).unwrap();
    let [first, second] = config.rpc.access.allow.as_slice() else { panic!("two entries") };
    assert_eq!((first.who.len(), first.methods.len()), (2, 2));
    assert_eq!(first.tables, AllowedTables::All);
    assert_eq!(first.calls_per_second, Some(100));
    assert_eq!(second.tables, AllowedTables::Named(vec!["services".into()]));
    let again = load(&config.effective(), &[], &[]).unwrap();
    assert_eq!(again.effective(), config.effective());
}

#[test]
fn a_policy_can_come_from_the_environment_and_from_flags() {
    let environment = [
        ("MILLPOND_RPC__TOKENS__FILE", "/tokens"),
        ("MILLPOND_RPC__ALLOW__0__WHO", "token:web"),
        ("MILLPOND_RPC__ALLOW__0__METHODS__0", "Get"),
    ];
    let config = load(SMALLEST, &environment, &["rpc.allow.0.tables=services"]).unwrap();
    assert_eq!(config.rpc.access.allow.len(), 1);
    assert!(config.rpc.access.tokens.is_some());
}

#[test]
fn without_entries_there_is_no_policy_and_an_empty_list_of_them_is_a_fault() {
    assert!(load(SMALLEST, &[], &[]).unwrap().rpc.access.allow.is_empty());
    assert_eq!(faults_of("[rpc]\nallow = []"), ["rpc.allow: missing"]);
}

/// Entries as `who methods tables`, with what is wrong.
const BAD_ENTRIES: [(&str, &str, &str, &str); 8] = [
    ("[\"web\"]", "*", "*", "who: found a list: \"web\": not a kind of identity"),
    ("[]", "*", "*", "who: found a list: it is empty"),
    ("[7]", "*", "*", "who: found a list: \"7\": this goes in quotes"),
    (NOBODY, "Got", "*", "methods: found \"Got\": there is no such method and no such service"),
    (
        NOBODY,
        "Health",
        "*",
        "methods: found \"Health\": health is answered to everybody and needs no entry",
    ),
    (NOBODY, "Get", "orders", "tables: found \"orders\": there is no such table"),
    (
        NOBODY,
        "GetStats",
        "services",
        "methods: found \"GetStats\": it is not about one table, and tables names some",
    ),
    (
        NOBODY,
        "ServerReflection",
        "services",
        "methods: found \"ServerReflection\": it is not about one table, and tables names some",
    ),
];
const NOBODY: &str = "[\"anonymous\"]";

#[test]
fn an_entry_that_names_what_there_is_not_is_a_fault() {
    for (who, methods, tables, expected) in BAD_ENTRIES {
        let found = faults_of(&entry(who, &format!("{methods:?}"), &format!("{tables:?}")));
        assert_eq!(found, [format!("rpc.allow[0].{expected}")]);
    }
    let page = load(&format!("{SMALLEST}{}", entry("\"x\"", "\"x\"", "\"x\"")), &[], &[]);
    let page = page.unwrap_err().to_string();
    for part in ["\"certificate:NAME\"", "\"DescribeEntry\"", "\"MaintenanceService\""] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn an_entry_for_identities_that_nobody_can_prove_is_a_fault() {
    for (who, lacking) in [
        ("certificate:spiffe://td/web", "rpc.tls.client_ca"),
        ("token:web", "[rpc.tokens]"),
        ("jwt:web", "[rpc.jwt]"),
        ("*", "rpc.tls.client_ca, [rpc.tokens] or [rpc.jwt]"),
    ] {
        let found = faults_of(&entry(&format!("[\"{who}\"]"), r#"["Get"]"#, r#"["*"]"#));
        let expected =
            format!("rpc.allow[0].who: found \"{who}\": nobody can prove that without {lacking}");
        assert_eq!(found, [expected]);
    }
}

#[test]
fn tokens_without_a_policy_are_a_fault() {
    let wrong = "this is of no use without a policy: everybody may look up";
    assert_eq!(faults_of(TOKENS), [format!("rpc.tokens: {wrong}")]);
    let jwt = format!("{JWT}jwks_file = \"/jwks\"\n");
    assert_eq!(faults_of(&jwt), [format!("rpc.jwt: {wrong}")]);
}

#[test]
fn keys_come_from_a_file_or_from_a_url_that_can_be_trusted() {
    let keys_of = |lines: &str| {
        let mut text = format!("{SMALLEST}{JWT}{lines}\n");
        let _ = write!(text, "{}", entry(r#"["jwt:web"]"#, r#"["Get"]"#, r#"["*"]"#));
        let config: Result<Config, _> = load(&text, &[], &[]);
        config.map(|config| config.rpc.access.jwt.unwrap().keys).map_err(|faults| {
            faults
                .as_slice()
                .iter()
                .map(|fault| format!("{}: {}", fault.key, fault.wrong))
                .collect()
        })
    };
    let file = JwtKeys::File { file: "/jwks".into() };
    assert_eq!(keys_of("jwks_file = \"/jwks\""), Ok(file));
    let https = "jwks_url = \"https://kubernetes.default.svc/openid/v1/jwks\"";
    for good in
        [&format!("{https}\njwks_ca = \"/ca\""), "jwks_url = \"http://127.0.0.1:8080/jwks\""]
    {
        assert!(matches!(keys_of(good), Ok(JwtKeys::Url { .. })), "{good}");
    }
    let fault = |key: &str, wrong: &str| Err(vec![format!("rpc.jwt.{key}: {wrong}")]);
    assert_eq!(keys_of(""), fault("jwks_file", "missing"));
    assert_eq!(keys_of(https), fault("jwks_ca", "missing"));
    let both = format!("{https}\njwks_ca = \"/ca\"\njwks_file = \"/jwks\"");
    assert_eq!(keys_of(&both), fault("jwks_file", "there is a jwks_url too"));
    for plain in ["http://issuer.test/jwks", "http://127.0.0.1:1@issuer.test/", "ftp://x", ""] {
        let expected = fault("jwks_url", &format!("found {plain:?}: not https"));
        assert_eq!(keys_of(&format!("jwks_url = {plain:?}")), expected);
    }
}
