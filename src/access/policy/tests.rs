//! Which entry a caller is let in by.

use super::*;
use crate::access::tests::{allow, policy};
use crate::proto::Method;

const GET: Target = Target::Method(Method::Get);

fn certificate(name: &str) -> Identity {
    Identity::Certificate(name.into())
}

fn is_allowed(policy: &Policy, identity: Identity) -> bool {
    let who = policy.principal(&[identity]).unwrap();
    policy.allow(&who, GET, Scope::Table("orders")).is_some()
}

#[test]
fn a_name_counts_only_as_it_was_proved() {
    let policy = policy(&allow("token:web", "*", "*"));
    assert!(is_allowed(&policy, Identity::Token("web".into())));
    assert!(!is_allowed(&policy, Identity::Jwt("web".into())));
    assert!(!is_allowed(&policy, certificate("web")));
    assert!(!is_allowed(&policy, Identity::Anonymous));
}

#[test]
fn a_star_is_everybody_who_proved_something_and_anonymous_everybody_who_did_not() {
    let star = policy(&allow("*", "*", "*"));
    assert!(is_allowed(&star, certificate("web")) && is_allowed(&star, Identity::Jwt("a".into())));
    assert!(!is_allowed(&star, Identity::Anonymous));
    let anonymous = policy(&allow("anonymous", "*", "*"));
    assert!(is_allowed(&anonymous, Identity::Anonymous));
    assert!(!is_allowed(&anonymous, certificate("web")));
}

#[test]
fn any_name_of_a_certificate_is_enough() {
    let policy = policy(&allow("certificate:web", "Get", "orders"));
    let who = policy.principal(&[certificate("spiffe://td/web"), certificate("web")]).unwrap();
    assert!(policy.allow(&who, GET, Scope::Table("orders")).is_some());
    assert_eq!(who.identity().to_string(), "certificate:spiffe://td/web");
}

#[test]
fn the_first_entry_that_allows_a_call_has_the_share() {
    let entries = allow("token:web", "Get", "stock")
        + &allow("token:web", "Get", "orders")
        + "calls_per_second = 1\n"
        + &allow("token:web", "*", "*");
    let policy = policy(&entries);
    let who = policy.principal(&[Identity::Token("web".into())]).unwrap();
    let is_limited = |target, table| {
        matches!(policy.allow(&who, target, Scope::Table(table)), Some(Use::Share(_)))
    };
    assert!(is_limited(GET, "orders"));
    assert!(!is_limited(GET, "stock") && !is_limited(Target::Method(Method::BatchGet), "orders"));
}

#[test]
fn all_connections_of_an_identity_use_one_share() {
    let policy = policy(&(allow("token:web", "Get", "orders") + "calls_per_second = 1\n"));
    let share = || {
        let who = policy.principal(&[Identity::Token("web".into())]).unwrap();
        match policy.allow(&who, GET, Scope::Table("orders")) {
            Some(Use::Share(share)) => Arc::clone(share),
            _ => panic!("there is a share"),
        }
    };
    assert!(Arc::ptr_eq(&share(), &share()));
}
