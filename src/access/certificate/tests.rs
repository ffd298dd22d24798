//! Which names of a certificate count.

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, KeyPair, SanType};

use super::*;

fn uri(name: &str) -> SanType {
    SanType::URI(Ia5String::try_from(name).unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(name).unwrap())
}

fn names_of(names: Vec<SanType>) -> Vec<String> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    identities(certificate.der()).iter().map(ToString::to_string).collect()
}

#[test]
fn the_uri_and_the_dns_names_count_and_the_uri_comes_first() {
    let names = vec![dns("Web.shop.svc"), uri("spiffe://td/ns/shop/sa/web"), dns("web")];
    let expected =
        ["certificate:spiffe://td/ns/shop/sa/web", "certificate:web.shop.svc", "certificate:web"];
    assert_eq!(names_of(names), expected);
}

#[test]
fn a_certificate_with_two_uris_names_nobody() {
    let names = vec![uri("spiffe://td/a"), uri("spiffe://td/b"), dns("web")];
    assert_eq!(names_of(names), [""; 0]);
}

#[test]
fn a_certificate_without_a_name_names_nobody() {
    assert_eq!(names_of(vec![]), [""; 0]);
    assert_eq!(names_of(vec![SanType::IpAddress([10, 0, 0, 1].into())]), [""; 0]);
    assert_eq!(identities(b"no certificate").len(), 0);
}

#[test]
fn a_dns_name_that_looks_like_a_uri_does_not_count() {
    assert_eq!(names_of(vec![dns("spiffe://td/ns/shop/sa/web")]), [""; 0]);
    assert_eq!(names_of(vec![dns("a b"), uri("no-scheme"), dns("web")]), ["certificate:web"]);
}

#[test]
fn a_certificate_with_very_many_names_names_nobody() {
    let many = |count| (0..count).map(|number| dns(&format!("a{number}"))).collect();
    assert_eq!(names_of(many(MAX_NAMES)).len(), MAX_NAMES);
    assert_eq!(names_of(many(MAX_NAMES + 1)).len(), 0);
}
