//! The alerts of TLS by which a service refuses a client, in words for people.
//!
//! They are told apart by rustls's text: after the handshake HTTP/2 keeps nothing else of an error.

/// How rustls begins the text of an alert that it received.
const RECEIVED: &str = "received fatal alert: ";

/// What an alert in an error's text means, and what to do; none if there is no such alert in it.
pub(crate) fn reason(text: &str) -> Option<String> {
    let (_, alert) = text.split_once(RECEIVED)?;
    let alert = alert.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    Some(match alert {
        "CertificateRequired" => {
            "the service demands a client certificate, and none was given: give a certificate \
             and its key"
                .into()
        }
        "CertificateExpired" => {
            "the service refuses the client certificate: it has expired, or the service's clock \
             is wrong"
                .into()
        }
        "UnknownCA" => {
            "the service refuses the client certificate: it does not trust the CA that signed it"
                .into()
        }
        "BadCertificate"
        | "UnsupportedCertificate"
        | "CertificateRevoked"
        | "CertificateUnknown"
        | "AccessDenied"
        | "DecryptError" => {
            format!("the service refuses the client certificate, if one was given ({alert})")
        }
        "NoApplicationProtocol" => "the port speaks TLS, but not HTTP/2".into(),
        "ProtocolVersion" => {
            "the port speaks another version of TLS: this client speaks 1.2 and 1.3".into()
        }
        other => format!("the service ended the TLS handshake: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_the_clients_certificate_says_so() {
        for (alert, expected) in [
            ("CertificateRequired", "demands a client certificate"),
            ("UnknownCA", "does not trust the CA"),
            ("CertificateExpired", "expired"),
            ("BadCertificate", "refuses the client certificate"),
            ("HandshakeFailure", "HandshakeFailure"),
        ] {
            let found = reason(&format!("h2: received fatal alert: {alert} (x)")).unwrap();
            assert!(found.contains(expected), "{found}");
        }
        assert_eq!(reason("connection refused"), None);
    }
}
