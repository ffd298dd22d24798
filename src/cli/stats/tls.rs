//! The part of `millpond stats` about TLS: when certificates expire, and handshakes that failed.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::cli::colour::Paint;
use crate::cli::output::count;
use crate::proto::v1::{TlsCertificate, TlsCertificateRole, TlsHandshakeOutcome, TlsStats};

const DAY_SECONDS: u64 = 24 * 3_600;

/// The TLS of the port with this name, as of a time.
pub(in crate::cli) fn tls_text(
    port: &str,
    tls: &TlsStats,
    now: SystemTime,
    paint: Paint,
) -> String {
    let succeeded = handshakes(tls).find(|(outcome, _)| *outcome == TlsHandshakeOutcome::Succeeded);
    let mut text = format!(
        "\ntls of {port}\n  set {} of certificates, {} handshakes\n",
        count(tls.generation),
        count(succeeded.map_or(0, |(_, handshakes)| handshakes)),
    );
    for certificate in &tls.certificates {
        let _ = writeln!(text, "  {}", certificate_text(certificate, now, paint));
    }
    if tls.failed_reload_count > 0 {
        let refused = count(tls.failed_reload_count);
        let _ = writeln!(text, "  {refused} times new files were refused, the log says why");
    }
    for (outcome, failed) in handshakes(tls).filter(|(_, failed)| *failed > 0) {
        let Some(why) = failure_text(outcome) else { continue };
        let _ = writeln!(text, "  {} handshakes failed: {why}", count(failed));
    }
    text
}

fn handshakes(tls: &TlsStats) -> impl Iterator<Item = (TlsHandshakeOutcome, i64)> {
    tls.handshakes.iter().map(|handshakes| (handshakes.outcome(), handshakes.count))
}

fn certificate_text(certificate: &TlsCertificate, now: SystemTime, paint: Paint) -> String {
    let role = match certificate.role() {
        TlsCertificateRole::Server => "certificate",
        TlsCertificateRole::ClientCa => "client CA",
        TlsCertificateRole::Unspecified => "other certificate",
    };
    let expires = certificate.expire_time.map_or(0, |time| time.seconds);
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(expires.try_into().unwrap_or(0));
    let left = match expires.duration_since(now) {
        Ok(left) => format!("expires in {} days", left.as_secs() / DAY_SECONDS),
        Err(past) => {
            let days = past.duration().as_secs() / DAY_SECONDS;
            paint.bad(&format!("EXPIRED {days} days ago"))
        }
    };
    format!("{role} {}: {left}", certificate.subject)
}

fn failure_text(outcome: TlsHandshakeOutcome) -> Option<&'static str> {
    Some(match outcome {
        TlsHandshakeOutcome::Succeeded => return None,
        TlsHandshakeOutcome::Unfinished => "the peer did not finish it",
        TlsHandshakeOutcome::PeerClosed => "the peer closed the connection",
        TlsHandshakeOutcome::Plaintext => "the peer spoke no TLS",
        TlsHandshakeOutcome::NoCommonVersion => "the peer speaks neither TLS 1.2 nor 1.3",
        TlsHandshakeOutcome::NoCommonCipher => "no cipher in common",
        TlsHandshakeOutcome::NoCommonProtocol => "no application protocol in common",
        TlsHandshakeOutcome::CertificateMissing => "the peer had no certificate",
        TlsHandshakeOutcome::CertificateExpired => "the peer's certificate had expired",
        TlsHandshakeOutcome::CertificateNotYetValid => "the peer's certificate was not valid yet",
        TlsHandshakeOutcome::CertificateUnknownCa => "no accepted CA signed the peer's certificate",
        TlsHandshakeOutcome::CertificateInvalid => "the peer's certificate was of no use",
        TlsHandshakeOutcome::ServerCertificateRefused => {
            "the peer refused the server's certificate"
        }
        TlsHandshakeOutcome::TooLarge => "the peer sent too much",
        TlsHandshakeOutcome::Other | TlsHandshakeOutcome::Unspecified => "for another reason",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::TlsHandshakeCount;

    #[test]
    fn the_days_to_each_expiry_and_the_failures_that_there_were_are_listed() {
        let certificate = |role: TlsCertificateRole, days: i64| TlsCertificate {
            role: role.into(),
            subject: format!("CN={days}"),
            begin_time: None,
            expire_time: Some(prost_types::Timestamp { seconds: days * 86_400, nanos: 0 }),
        };
        let of = |outcome: TlsHandshakeOutcome, count| TlsHandshakeCount {
            outcome: outcome.into(),
            count,
        };
        let tls = TlsStats {
            generation: 3,
            failed_reload_count: 1,
            handshakes: vec![
                of(TlsHandshakeOutcome::Succeeded, 1_234),
                of(TlsHandshakeOutcome::Plaintext, 2),
                of(TlsHandshakeOutcome::TooLarge, 0),
            ],
            certificates: vec![
                certificate(TlsCertificateRole::Server, 130),
                certificate(TlsCertificateRole::ClientCa, 98),
            ],
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100 * DAY_SECONDS);
        let expected = "\ntls of rpc\n  set 3 of certificates, 1,234 handshakes\n  \
             certificate CN=130: expires in 30 days\n  client CA CN=98: EXPIRED 2 days ago\n  \
             1 times new files were refused, the log says why\n  \
             2 handshakes failed: the peer spoke no TLS\n";
        assert_eq!(tls_text("rpc", &tls, now, Paint::Plain), expected);
    }
}
