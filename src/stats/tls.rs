//! The TLS of a port: its certificates, and what became of handshakes.

use crate::record::Timestamp;

/// The figures of the TLS of one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsStats {
    /// Counts the sets of files that were put in use: 1 is that of the start.
    pub generation: u64,
    /// Changes of the files that were refused because something was wrong with them.
    pub failed_reloads: u64,
    /// Handshakes, by outcome.
    pub handshakes: [(HandshakeOutcome, u64); HandshakeOutcome::ALL.len()],
    /// The certificates in use: the server's, and the CAs of clients.
    pub certificates: Vec<CertificateStats>,
}

/// A certificate in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateStats {
    /// What it is used for.
    pub role: CertificateRole,
    /// Its subject, shortened.
    pub subject: String,
    /// The time from which it is valid.
    pub begins: Timestamp,
    /// The time until which it is valid.
    pub expires: Timestamp,
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateRole {
    /// Clients verify the server by it.
    Server,
    /// Clients' certificates are verified by it.
    ClientCa,
}

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeOutcome {
    /// Well.
    Succeeded,
    /// The peer did not finish it: in time, before its place was needed, or before the service
    /// stopped.
    Unfinished,
    /// The peer closed the connection.
    PeerClosed,
    /// The peer speaks another protocol, such as HTTP without TLS.
    Plaintext,
    /// The peer offers no version that is accepted.
    NoCommonVersion,
    /// The peer offers no cipher suite, group or signature that is accepted.
    NoCommonCipher,
    /// The peer offers other application protocols only.
    NoCommonProtocol,
    /// The peer has no certificate, and must have one.
    CertificateMissing,
    /// The peer's certificate has expired.
    CertificateExpired,
    /// The peer's certificate is not valid yet.
    CertificateNotYetValid,
    /// No accepted CA signed the peer's certificate: another CA, itself, or one whose certificate
    /// the peer did not send.
    CertificateUnknownCa,
    /// Something else is wrong with the peer's certificate, such as its purpose.
    CertificateInvalid,
    /// The peer refuses the server's certificate.
    ServerCertificateRefused,
    /// The peer sends more than a handshake takes.
    TooLarge,
    /// All else.
    Other,
}

impl HandshakeOutcome {
    /// All outcomes, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Succeeded,
        Self::Unfinished,
        Self::PeerClosed,
        Self::Plaintext,
        Self::NoCommonVersion,
        Self::NoCommonCipher,
        Self::NoCommonProtocol,
        Self::CertificateMissing,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateUnknownCa,
        Self::CertificateInvalid,
        Self::ServerCertificateRefused,
        Self::TooLarge,
        Self::Other,
    ];
}
