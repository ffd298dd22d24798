//! By which names a browser may call the port.
//!
//! A web page of somebody else can give its own name the address of this port, and a browser then
//! takes both for one site. So names count only where nobody else can have them: addresses, names
//! without a dot, names that only the machine itself or its cluster resolves, and those of
//! `admin.hosts`.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

/// Names below these are resolved by the machine or its cluster, and nobody can buy one.
const OWN_SUFFIXES: [&str; 3] = [".localhost", ".svc", ".svc.cluster.local"];

/// The names that are allowed beside those that are always.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// These names are in lower case.
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// Whether a request may be answered.
    ///
    /// # Errors
    ///
    /// What its sender is told.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err("the request must have one Host header".into());
        };
        let host = host.to_str().unwrap_or_default();
        // A request with a whole URI has the name there too.
        let names = uri.authority().map(Authority::as_str).into_iter().chain([host]);
        match names.map(name).find(|name| !self.allows(name)) {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                Err(format!(
                    "this port is not called {name:?}: call it by its IP address, or add the name to \
                     admin.hosts"
                ))
            }
        }
    }

    fn allows(&self, name: &str) -> bool {
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        is_address(name)
            || is_name && !name.contains('.')
            || is_name && OWN_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
            || self.0.iter().any(|allowed| allowed == name)
    }
}

fn is_address(name: &str) -> bool {
    let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => matches!(name.parse(), Ok(IpAddr::V4(_))),
    }
}

/// The name in a `Host` header, without port and final dot, in lower case.
fn name(host: &str) -> String {
    let end = if host.starts_with('[') {
        host.find(']').map_or(host.len(), |end| end + 1)
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, port) = host.split_at(end);
    let is_port =
        port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    if !port.is_empty() && !is_port {
        // No host has such a name.
        return host.to_owned();
    }
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(host: &str) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        Hosts::new(&["millpond.example.org".into()]).check(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn addresses_and_names_that_nobody_else_can_have_are_allowed() {
        for host in [
            "127.0.0.1:8080",
            "10.1.2.3",
            "[::1]:8080",
            "[fd00::7]",
            "localhost:8080",
            "LOCALHOST",
            "pod-7:9102",
            "millpond.localhost",
            "millpond.shop.svc:8080",
            "millpond.shop.svc.cluster.local.",
            "Millpond.Example.org:443",
        ] {
            check(host).unwrap();
        }
    }

    #[test]
    fn other_names_are_refused_with_the_setting_to_change() {
        for host in [
            "evil.example.com",
            "127.0.0.1.nip.io:8080",
            "millpond.example.org.evil.com",
            "svc.evil.com",
            "localhost@evil.com",
            "127.1",
            "::1",
            "[::1",
            "[::1]evil.com",
            "127.0.0.1:80x",
            "a b",
            ":8080",
            "",
            "ü",
        ] {
            let refusal = check(host).unwrap_err();
            assert!(refusal.contains("admin.hosts"), "{host}: {refusal}");
        }
    }

    #[test]
    fn a_request_has_one_host_and_its_uri_has_no_other() {
        let hosts = Hosts::new(&[]);
        let (path, mut headers) = (Uri::from_static("/"), HeaderMap::new());
        assert!(hosts.check(&path, &headers).is_err());
        headers.append(HOST, HeaderValue::from_static("localhost"));
        hosts.check(&path, &headers).unwrap();
        assert!(hosts.check(&Uri::from_static("http://evil.com/"), &headers).is_err());
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert!(hosts.check(&path, &headers).is_err());
    }
}
