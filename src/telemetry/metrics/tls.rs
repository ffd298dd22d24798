//! The metrics of the TLS of both ports. A port without TLS has none.

use std::fmt;

use super::catalogue::{CERTIFICATE_EXPIRY, HANDSHAKES, TLS_FAILURES, TLS_GENERATION};
use super::writer::Writer;
use crate::stats::{CertificateRole, HandshakeOutcome, Snapshot, TlsStats};

pub(super) fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    let ports = [("rpc", snapshot.rpc.tls.as_ref()), ("admin", snapshot.admin_tls.as_ref())];
    let ports: Vec<_> = ports.into_iter().filter_map(|(port, tls)| Some((port, tls?))).collect();
    writer.family(&CERTIFICATE_EXPIRY, |samples| {
        for (port, tls) in &ports {
            for (name, role) in
                [("server", CertificateRole::Server), ("client_ca", CertificateRole::ClientCa)]
            {
                let of_role = tls.certificates.iter().filter(|each| each.role == role);
                if let Some(expiry) = of_role.map(|certificate| certificate.expires).min() {
                    samples.put([port, name], expiry)?;
                }
            }
        }
        Ok(())
    })?;
    writer.family(&HANDSHAKES, |samples| {
        let counts = ports.iter().flat_map(|(port, tls)| tls.handshakes.map(|each| (port, each)));
        counts.into_iter().try_for_each(|(port, (outcome, count))| {
            samples.put([port, outcome_name(outcome)], count)
        })
    })?;
    let values = |value: fn(&TlsStats) -> u64| {
        ports.iter().map(|(port, tls)| (*port, value(tls))).collect::<Vec<_>>()
    };
    writer.each(&TLS_GENERATION, values(|tls| tls.generation))?;
    writer.each(&TLS_FAILURES, values(|tls| tls.failed_reloads))
}

fn outcome_name(outcome: HandshakeOutcome) -> &'static str {
    match outcome {
        HandshakeOutcome::Succeeded => "succeeded",
        HandshakeOutcome::Unfinished => "unfinished",
        HandshakeOutcome::PeerClosed => "peer_closed",
        HandshakeOutcome::Plaintext => "plaintext",
        HandshakeOutcome::NoCommonVersion => "no_common_version",
        HandshakeOutcome::NoCommonCipher => "no_common_cipher",
        HandshakeOutcome::NoCommonProtocol => "no_common_protocol",
        HandshakeOutcome::CertificateMissing => "certificate_missing",
        HandshakeOutcome::CertificateExpired => "certificate_expired",
        HandshakeOutcome::CertificateNotYetValid => "certificate_not_yet_valid",
        HandshakeOutcome::CertificateUnknownCa => "certificate_unknown_ca",
        HandshakeOutcome::CertificateInvalid => "certificate_invalid",
        HandshakeOutcome::ServerCertificateRefused => "server_certificate_refused",
        HandshakeOutcome::TooLarge => "too_large",
        HandshakeOutcome::Other => "other",
    }
}
