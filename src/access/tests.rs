//! Who is let in, by which proof, and what the tests of this module share.

mod cells;
pub(in crate::access) mod issuer;

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair, SanType};
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::proto::Method;
use crate::request_id::RequestId;
use crate::stats::DenialReason;
use digest::digest;
use issuer::{AUDIENCE, ISSUER, Issuer, claims};
use policy::Policy;

/// Two tables, and all ways to identify callers.
const CONFIG: &str = r#"
[kafka]
brokers = "localhost:9092"
[[tables]]
name = "orders"
topic = "orders"
key = "/id"
fields = { a = "/a" }
ttl = "1h"
capacity = "16MiB"
[[tables]]
name = "stock"
topic = "stock"
key = "/id"
fields = { a = "/a" }
ttl = "1h"
capacity = "16MiB"
[rpc.tls]
certificate = "FILE"
key = "FILE"
client_ca = "FILE"
[rpc.tokens]
file = "FOLDER/tokens"
[rpc.jwt]
jwks_file = "FOLDER/jwks"
issuer = "ISSUER"
audience = "AUDIENCE"
"#;
pub(super) const TABLES: [&str; 2] = ["orders", "stock"];
const GET: Target = Target::Method(Method::Get);
const STATS: Target = Target::Method(Method::GetStats);

/// An entry of a policy. Several names have spaces between them.
pub(super) fn allow(who: &str, methods: &str, tables: &str) -> String {
    let list = |names: &str| format!("{:?}", names.split(' ').collect::<Vec<_>>());
    let [who, methods, tables] = [who, methods, tables].map(list);
    format!("[[rpc.allow]]\nwho = {who}\nmethods = {methods}\ntables = {tables}\n")
}

/// The configuration with these entries.
pub(super) fn config(entries: &str) -> config::Access {
    config_in(Path::new("/nowhere"), entries)
}

/// A whole configuration with these settings.
pub(super) fn load(settings: &[&str]) -> Config {
    let table = ["name=a", "topic=a", "key=/id", "fields.a=/a", "ttl=1h"];
    let settings = table
        .map(|key| format!("tables.0.{key}"))
        .into_iter()
        .chain(["kafka.brokers=localhost:9092"].iter().chain(settings).map(ToString::to_string));
    Config::load(None, [], &settings.collect::<Vec<_>>()).unwrap()
}

pub(super) fn policy(entries: &str) -> Policy {
    Policy::new(&config(entries).allow).unwrap()
}

fn config_in(folder: &Path, entries: &str) -> config::Access {
    let own = tempfile::tempdir().unwrap();
    let file = own.path().join("millpond.toml");
    // The files of TLS have to be readable, and are not read here.
    let text = (CONFIG.to_owned() + entries)
        .replace("FILE", &file.display().to_string())
        .replace("FOLDER", &folder.display().to_string())
        .replace("ISSUER", ISSUER)
        .replace("AUDIENCE", AUDIENCE);
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), [], &[]).unwrap().rpc.access
}

/// A running gate with a token "secret" of the name "web", and an issuer of JWTs.
struct Gate {
    access: Access,
    issuer: Issuer,
    folder: TempDir,
}

impl Gate {
    fn new(entries: &str) -> Self {
        let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::new("one"));
        fs::write(folder.path().join("jwks"), Issuer::jwks(&[&issuer])).unwrap();
        fs::write(folder.path().join("tokens"), token_line("web", "secret")).unwrap();
        let config = config_in(folder.path(), entries);
        check(&config).unwrap();
        let access = Access::start(&config, &Account::of_unbound_threads()).unwrap();
        Self { access, issuer, folder }
    }

    fn peer(&self, certificate: Option<&[u8]>) -> PeerAccess {
        self.access.of_connection(([10, 0, 0, 1], 1).into(), certificate)
    }

    fn get(&self, authorization: Option<&str>) -> Result<(), Denial> {
        call(&self.peer(None), authorization, GET, Scope::Table("orders"))
    }

    /// The reasons that were counted.
    fn reasons(&self) -> Vec<DenialReason> {
        self.access.stats().denied.iter().map(|denied| denied.reason).collect()
    }
}

fn call(
    peer: &PeerAccess,
    authorization: Option<&str>,
    target: Target,
    scope: Scope<'_>,
) -> Result<(), Denial> {
    peer.admit(&RequestId::random(), target, authorization.map(str::as_bytes).into_iter())?
        .authorize(scope)
}

fn token_line(name: &str, token: &str) -> String {
    let hex = digest(token.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
    format!("{name} {hex}\n")
}

fn certificate(uris: &[&str]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    let uri = |uri: &&str| SanType::URI(rcgen::string::Ia5String::try_from(*uri).unwrap());
    params.subject_alt_names = uris.iter().map(uri).collect();
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn without_a_policy_only_loopback_may_do_more_than_look_up() {
    let account = Account::of_unbound_threads();
    let access = Access::start(&config::Access::default(), &account).unwrap();
    for (address, is_loopback) in [
        ("127.0.0.1:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("10.0.0.1:1", false),
        ("[::ffff:10.0.0.1]:1", false),
    ] {
        let peer = access.of_connection(address.parse().unwrap(), None);
        for target in Target::all() {
            let is_for_all = match target {
                Target::Method(method) => method.service() == "LookupService",
                Target::Reflection => false,
                Target::Unknown => true,
            };
            let expected =
                if is_for_all || is_loopback { Ok(()) } else { Err(Denial::PermissionDenied) };
            assert_eq!(call(&peer, Some("Basic x"), target, Scope::AllTables), expected);
        }
    }
    let denied = access.stats().denied;
    assert!(denied.iter().all(|denied| denied.reason == DenialReason::NotLoopback));
    assert!(!denied.is_empty());
}

#[test]
fn a_bad_credential_is_refused_even_where_the_certificate_would_do() {
    let gate = Gate::new(&allow("certificate:spiffe://td/web", "*", "*"));
    let peer = gate.peer(Some(&certificate(&["spiffe://td/web"])));
    let get = |authorization: Option<&str>| call(&peer, authorization, GET, Scope::Table("orders"));
    assert_eq!(get(None), Ok(()));
    assert_eq!(get(Some("Bearer secret")), Ok(()), "it is both");
    let jwt = gate.issuer.token(&claims("somebody"));
    assert_eq!(get(Some(&format!("Bearer {jwt}"))), Ok(()));
    let bad = ["", "Bearer ", "Bearer secres", "Bearer a.b.c", "Basic secret"];
    for authorization in bad.into_iter().chain([&*format!("Bearer {jwt}x")]) {
        assert_eq!(get(Some(authorization)), Err(Denial::Unauthenticated), "{authorization}");
    }
}

#[test]
fn a_token_that_is_right_but_for_one_bit_is_refused() {
    let gate = Gate::new(&allow("token:web", "Get", "orders"));
    assert_eq!(gate.get(Some("Bearer secret")), Ok(()));
    for (at, bit) in (0..6).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
        let mut token = *b"secret";
        token[at] ^= 1 << bit;
        let header = [&b"Bearer "[..], &token].concat();
        let admitted = gate.peer(None).admit(&RequestId::random(), GET, [&header[..]].into_iter());
        assert_eq!(admitted.unwrap_err(), Denial::Unauthenticated);
    }
}

#[test]
fn a_token_of_a_megabyte_is_refused() {
    let gate = Gate::new(&allow("token:web", "Get", "orders"));
    let long = format!("Bearer {}", "a".repeat(1 << 20));
    assert_eq!(gate.get(Some(&long)), Err(Denial::Unauthenticated));
    assert_eq!(gate.reasons(), [DenialReason::MalformedHeader]);
}

#[test]
fn a_certificate_with_two_uris_is_nobody() {
    let gate = Gate::new(&allow("certificate:spiffe://td/*", "*", "*"));
    let peer = gate.peer(Some(&certificate(&["spiffe://td/a", "spiffe://td/b"])));
    let denied = call(&peer, None, GET, Scope::Table("orders"));
    assert_eq!(denied, Err(Denial::Unauthenticated));
    assert_eq!(gate.reasons(), [DenialReason::CertificateNamesNobody]);
}

#[test]
fn a_caller_who_proved_nothing_is_unauthenticated_and_one_who_did_is_denied() {
    let gate = Gate::new(&allow("token:web", "Get", "orders"));
    assert_eq!(gate.get(None), Err(Denial::Unauthenticated));
    let stock = call(&gate.peer(None), Some("Bearer secret"), GET, Scope::Table("stock"));
    assert_eq!(stock, Err(Denial::PermissionDenied));
    let none = call(&gate.peer(None), Some("Bearer secret"), GET, Scope::Table("nothing"));
    assert_eq!(none, Err(Denial::PermissionDenied), "as for a table that exists");
    assert_eq!(gate.reasons(), [DenialReason::NoCredential, DenialReason::NotAllowed]);
}

#[test]
fn what_is_not_about_one_table_needs_all_tables() {
    let entries = allow("token:web", "*", "orders") + &allow("anonymous", "GetStats", "*");
    let gate = Gate::new(&entries);
    let web = call(&gate.peer(None), Some("Bearer secret"), STATS, Scope::AllTables);
    assert_eq!(web, Err(Denial::PermissionDenied));
    assert_eq!(call(&gate.peer(None), None, STATS, Scope::AllTables), Ok(()));
}

#[test]
fn a_share_is_used_up_by_calls_and_by_bytes_and_sheds_what_is_more() {
    let entries = allow("token:web", "Get", "orders") + "calls_per_second = 2\n";
    let gate = Gate::new(&entries);
    let outcomes: Vec<_> = (0..10).map(|_| gate.get(Some("Bearer secret"))).collect();
    let is_shed = |outcome: &Result<(), Denial>| matches!(outcome, Err(Denial::ShareExhausted { retry_after }) if !retry_after.is_zero());
    assert!(outcomes[..2].iter().all(Result::is_ok), "{outcomes:?}");
    assert!(outcomes.iter().any(is_shed), "{outcomes:?}");
    assert_eq!(gate.reasons(), [DenialReason::ShareExhausted]);

    let entries = allow("token:web", "Get", "orders") + "bytes_per_second = \"1KiB\"\n";
    let gate = Gate::new(&entries);
    let peer = gate.peer(None);
    let caller =
        peer.admit(&RequestId::random(), GET, [&b"Bearer secret"[..]].into_iter()).unwrap();
    caller.authorize(Scope::Table("orders")).unwrap();
    caller.take_bytes(1 << 20);
    assert!(is_shed(&gate.get(Some("Bearer secret"))));
}

#[test]
fn identities_are_seen_with_what_became_of_their_calls() {
    let gate = Gate::new(&allow("token:web", "Get", "orders"));
    gate.get(Some("Bearer secret")).unwrap();
    gate.get(None).unwrap_err();
    gate.get(Some("Bearer wrong")).unwrap_err();
    let identities = gate.access.stats().identities;
    let seen: Vec<_> = identities
        .iter()
        .map(|seen| (seen.identity.as_str(), seen.allowed, seen.denied, seen.shed))
        .collect();
    assert_eq!(seen, [("anonymous", 0, 1, 0), ("token:web", 1, 0, 0)]);
}

#[test]
fn only_those_whom_an_entry_names_for_a_table_may_know_of_it() {
    let gate = Gate::new(&(allow("token:web", "Get ListTables", "orders")));
    let peer = gate.peer(None);
    let stranger = peer.recognise(&RequestId::random(), [&b"Bearer wrong"[..]].into_iter());
    let web = peer.recognise(&RequestId::random(), [&b"Bearer secret"[..]].into_iter());
    assert_eq!(TABLES.map(|table| web.can_see(table)), [true, false]);
    assert_eq!(TABLES.map(|table| stranger.can_see(table)), [false, false]);
    let list = Target::Method(Method::ListTables);
    let web = peer.admit(&RequestId::random(), list, [&b"Bearer secret"[..]].into_iter()).unwrap();
    web.authorize(Scope::VisibleTables).unwrap();
    assert_eq!(TABLES.map(|table| web.can_call_for(table)), [true, false]);
}

#[test]
fn a_changed_file_of_tokens_counts_on_open_connections() {
    let gate = Gate::new(&allow("token:*", "Get", "orders"));
    let peer = gate.peer(None);
    let get = |token: &str| {
        let authorization = format!("Bearer {token}");
        call(&peer, Some(&authorization), GET, Scope::Table("orders"))
    };
    assert_eq!(get("secret"), Ok(()));
    fs::write(gate.folder.path().join("tokens"), token_line("web", "another")).unwrap();
    gate.access.0.tokens.as_ref().unwrap().refresh();
    assert_eq!((get("secret"), get("another")), (Err(Denial::Unauthenticated), Ok(())));
}

#[test]
fn a_bad_file_is_a_fault_that_names_it() {
    let gate = Gate::new(&allow("token:web", "Get", "orders"));
    let config = config_in(gate.folder.path(), &allow("token:web", "Get", "orders"));
    fs::write(gate.folder.path().join("jwks"), "{}").unwrap();
    let why = check(&config).unwrap_err();
    assert!(why.starts_with("rpc.jwt.jwks_file: ") && why.contains("not a JWKS"), "{why}");
    fs::write(gate.folder.path().join("tokens"), "hunter2").unwrap();
    let why = check(&config).unwrap_err();
    assert!(why.starts_with("rpc.tokens.file: ") && why.contains("line 1: not a name"), "{why}");
    assert!(!why.contains("hunter2"), "{why}");
}
