//! Which outcome an error of a handshake is, and what an operator can do about it.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::socket::TooLarge;
use crate::stats::HandshakeOutcome;

/// The outcome of a handshake that failed.
pub(super) fn outcome(error: &io::Error) -> HandshakeOutcome {
    let source = error.get_ref();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<Error>()) {
        return of_tls(error);
    }
    if source.is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>) {
        return HandshakeOutcome::TooLarge;
    }
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::WriteZero => HandshakeOutcome::PeerClosed,
        _ => HandshakeOutcome::Other,
    }
}

fn of_tls(error: &Error) -> HandshakeOutcome {
    match error {
        // The first byte of a record says what it is, and no protocol in text begins with such a byte.
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => HandshakeOutcome::Plaintext,
        Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) => {
            HandshakeOutcome::TooLarge
        }
        Error::PeerIncompatible(why) => of_incompatible(why),
        Error::NoApplicationProtocol => HandshakeOutcome::NoCommonProtocol,
        Error::NoCertificatesPresented => HandshakeOutcome::CertificateMissing,
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => HandshakeOutcome::Other,
    }
}

fn of_incompatible(why: &PeerIncompatible) -> HandshakeOutcome {
    match why {
        // Every client of TLS 1.2 says which signatures it takes, and no older one does.
        PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            HandshakeOutcome::NoCommonVersion
        }
        _ => HandshakeOutcome::NoCommonCipher,
    }
}

fn of_certificate(why: &CertificateError) -> HandshakeOutcome {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            HandshakeOutcome::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            HandshakeOutcome::CertificateNotYetValid
        }
        CertificateError::UnknownIssuer => HandshakeOutcome::CertificateUnknownCa,
        _ => HandshakeOutcome::CertificateInvalid,
    }
}

fn of_alert(alert: AlertDescription) -> HandshakeOutcome {
    match alert {
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => {
            HandshakeOutcome::PeerClosed
        }
        AlertDescription::ProtocolVersion => HandshakeOutcome::NoCommonVersion,
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA => HandshakeOutcome::ServerCertificateRefused,
        _ => HandshakeOutcome::Other,
    }
}

/// What to do about an outcome. None for what is no fault of anybody: probes of a load balancer
/// connect and leave.
pub(super) fn cure(outcome: HandshakeOutcome) -> Option<&'static str> {
    Some(match outcome {
        HandshakeOutcome::Succeeded | HandshakeOutcome::PeerClosed => return None,
        HandshakeOutcome::Unfinished => {
            "the peer did not finish it; look whether it speaks TLS, and at the network"
        }
        HandshakeOutcome::Plaintext => "the peer speaks no TLS; let it connect with https",
        HandshakeOutcome::NoCommonVersion => "let the peer speak TLS 1.2 or 1.3",
        HandshakeOutcome::NoCommonCipher => {
            "let the peer offer a current cipher suite, such as those of TLS 1.3"
        }
        HandshakeOutcome::NoCommonProtocol => {
            "the peer speaks another protocol over TLS; look whether it means this port"
        }
        HandshakeOutcome::CertificateMissing => {
            "give the peer a certificate of a CA in client_ca, or write \
             client_certificate = \"optional\""
        }
        HandshakeOutcome::CertificateExpired => "renew the peer's certificate",
        HandshakeOutcome::CertificateNotYetValid => {
            "look at the clocks of both sides, and at the peer's certificate"
        }
        HandshakeOutcome::CertificateUnknownCa => {
            "give the peer a certificate of a CA in client_ca, with its intermediate certificates, \
             or add its CA there"
        }
        HandshakeOutcome::CertificateInvalid => {
            "give the peer a certificate for client authentication that a CA in client_ca signed"
        }
        HandshakeOutcome::ServerCertificateRefused => {
            "give the peer the CA of this server's certificate, and look whether that names this host"
        }
        HandshakeOutcome::TooLarge => "give the peer a shorter certificate chain, without the root",
        HandshakeOutcome::Other => "look at what the peer speaks",
    })
}
