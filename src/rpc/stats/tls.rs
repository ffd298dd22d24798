//! Converts the figures of the TLS of a port.

use crate::proto::v1::{self as wire, TlsCertificate, TlsCertificateRole, TlsHandshakeCount};
use crate::rpc::convert::{to_int64, to_timestamp};
use crate::stats::{CertificateRole, CertificateStats, HandshakeOutcome, TlsStats};

impl From<TlsStats> for wire::TlsStats {
    fn from(tls: TlsStats) -> Self {
        let count = |(outcome, count)| TlsHandshakeCount {
            outcome: to_outcome(outcome).into(),
            count: to_int64(count),
        };
        Self {
            generation: to_int64(tls.generation),
            failed_reload_count: to_int64(tls.failed_reloads),
            handshakes: tls.handshakes.map(count).into(),
            certificates: tls.certificates.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CertificateStats> for TlsCertificate {
    fn from(certificate: CertificateStats) -> Self {
        let role = match certificate.role {
            CertificateRole::Server => TlsCertificateRole::Server,
            CertificateRole::ClientCa => TlsCertificateRole::ClientCa,
        };
        Self {
            role: role.into(),
            subject: certificate.subject,
            begin_time: Some(to_timestamp(certificate.begins)),
            expire_time: Some(to_timestamp(certificate.expires)),
        }
    }
}

fn to_outcome(outcome: HandshakeOutcome) -> wire::TlsHandshakeOutcome {
    use wire::TlsHandshakeOutcome as Wire;
    match outcome {
        HandshakeOutcome::Succeeded => Wire::Succeeded,
        HandshakeOutcome::Unfinished => Wire::Unfinished,
        HandshakeOutcome::PeerClosed => Wire::PeerClosed,
        HandshakeOutcome::Plaintext => Wire::Plaintext,
        HandshakeOutcome::NoCommonVersion => Wire::NoCommonVersion,
        HandshakeOutcome::NoCommonCipher => Wire::NoCommonCipher,
        HandshakeOutcome::NoCommonProtocol => Wire::NoCommonProtocol,
        HandshakeOutcome::CertificateMissing => Wire::CertificateMissing,
        HandshakeOutcome::CertificateExpired => Wire::CertificateExpired,
        HandshakeOutcome::CertificateNotYetValid => Wire::CertificateNotYetValid,
        HandshakeOutcome::CertificateUnknownCa => Wire::CertificateUnknownCa,
        HandshakeOutcome::CertificateInvalid => Wire::CertificateInvalid,
        HandshakeOutcome::ServerCertificateRefused => Wire::ServerCertificateRefused,
        HandshakeOutcome::TooLarge => Wire::TooLarge,
        HandshakeOutcome::Other => Wire::Other,
    }
}
