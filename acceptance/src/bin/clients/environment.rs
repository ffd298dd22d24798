//! What the scripts of a package are told of the services, by variables of the environment.

use std::net::SocketAddr;

use crate::services::Services;

/// For `test.sh`:
///
/// | variable | what it names |
/// |---|---|
/// | `MILLPOND_TEST_ENDPOINT` | the service under control, in plaintext |
/// | `MILLPOND_TEST_CONTROL` | the control of the services: see `control.rs` |
/// | `MILLPOND_TEST_LOADING` | a service whose tables never get ready |
/// | `MILLPOND_TEST_TLS_ENDPOINT` | a service with TLS, tokens and certificates of clients |
/// | `MILLPOND_TEST_CA` | the authorities that vouch for that service |
/// | `MILLPOND_TEST_TOKEN_FILE` | the token of a caller that may do all |
/// | `MILLPOND_TEST_SHED_TOKEN_FILE` | the token of a caller that may make one call a second |
/// | `MILLPOND_TEST_CERTIFICATE`, `MILLPOND_TEST_KEY` | the certificate of a caller that may do all |
pub(crate) fn of_tests(services: &Services, control: SocketAddr) -> Vec<String> {
    let file = |name: &str| services.client_files.join(name).display().to_string();
    let variables = [
        ("ENDPOINT", services.plain.address.clone()),
        ("CONTROL", format!("http://{control}")),
        ("LOADING", services.loading_address.clone()),
        ("TLS_ENDPOINT", services.secure.address.clone()),
        ("CA", file("ca.crt")),
        ("TOKEN_FILE", file("all.token")),
        ("SHED_TOKEN_FILE", file("shed.token")),
        ("CERTIFICATE", file("tls.crt")),
        ("KEY", file("tls.key")),
    ];
    variables.map(|(name, value)| format!("MILLPOND_TEST_{name}={value}")).into()
}

/// For `ten_lines.sh`: the service that has what the README asks for.
pub(crate) fn of_ten_lines(services: &Services) -> Vec<String> {
    vec![format!("MILLPOND_ENDPOINT={}", services.readme.address)]
}
