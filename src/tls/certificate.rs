//! The certificates in a file: their bytes, their names and their times.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};

use crate::record::Timestamp;
use crate::stats::{CertificateRole, CertificateStats};

/// A subject is cut here.
const MAX_SUBJECT_CHARS: usize = 128;
/// The last second that a certificate can name: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A certificate.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) der: CertificateDer<'static>,
    subject: String,
    begins: Timestamp,
    expires: Timestamp,
}

/// Whether a certificate is valid at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    NotYet,
    Expired,
}

/// All certificates in a file, of which there is at least one, or what is wrong with the file.
pub(super) fn parse(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let mut certificates = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der.map_err(|error| pem_fault(&error, "certificate"))?;
        let number = certificates.len() + 1;
        let certificate = Certificate::new(der);
        certificates
            .push(certificate.ok_or_else(|| format!("certificate {number} in it is damaged"))?);
    }
    if certificates.is_empty() {
        return Err("there is no certificate in it".into());
    }
    Ok(certificates)
}

/// What is wrong with a file that has one of these, without its content.
pub(super) fn pem_fault(error: &PemError, what: &str) -> String {
    match error {
        PemError::MissingSectionEnd { .. } => format!("it ends in the middle of a {what}"),
        PemError::Base64Decode(_) => format!("a {what} in it is damaged: it is not Base64"),
        PemError::NoItemsFound => format!("there is no {what} in it"),
        _ => "it is not PEM".into(),
    }
}

impl Certificate {
    /// None if the bytes are no certificate.
    fn new(der: CertificateDer<'static>) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).ok()?;
        let time = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000));
        let subject = parsed.subject().to_string();
        Some(Self {
            subject: subject.escape_debug().take(MAX_SUBJECT_CHARS).collect(),
            begins: time(parsed.validity().not_before.timestamp()),
            expires: time(parsed.validity().not_after.timestamp()),
            der,
        })
    }

    pub(super) fn validity(&self, now: Timestamp) -> Validity {
        match now {
            now if now < self.begins => Validity::NotYet,
            now if now > self.expires => Validity::Expired,
            _ => Validity::Valid,
        }
    }

    /// Why it is of no use at a time, in words, if it is not valid.
    pub(super) fn invalidity(&self, now: Timestamp) -> Option<String> {
        match self.validity(now) {
            Validity::Valid => None,
            Validity::NotYet => Some(format!(
                "the certificate is not valid before {}, and it is {}",
                date_text(self.begins),
                date_text(now)
            )),
            Validity::Expired => {
                Some(format!("the certificate expired at {}", date_text(self.expires)))
            }
        }
    }

    pub(super) fn expires(&self) -> Timestamp {
        self.expires
    }

    pub(super) fn stats(&self, role: CertificateRole) -> CertificateStats {
        let (begins, expires) = (self.begins, self.expires);
        CertificateStats { role, subject: self.subject.clone(), begins, expires }
    }
}

/// A time as a person reads it.
pub(super) fn date_text(time: Timestamp) -> String {
    let seconds = (time.as_millis() / 1_000).clamp(0, LAST_SECOND).unsigned_abs();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}
