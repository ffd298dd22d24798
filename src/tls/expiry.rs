//! Warns of certificates that are about to expire: twice before, and when they have.
//!
//! A certificate that lives long is warned of 30 days and 7 days before its end. Of one that lives
//! for an hour that would be always, so the warnings come in the last quarter and the last twelfth
//! of its life at the earliest. Pure, except for the log.

use std::collections::BTreeMap;
use std::time::Duration;

use super::certificate::date_text;
use super::port::Port;
use crate::record::Timestamp;
use crate::stats::CertificateStats;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How near the end of a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Soon,
    VerySoon,
    Expired,
}

/// What was said about each certificate.
#[derive(Debug, Default)]
pub(super) struct ExpiryWarnings(BTreeMap<(String, i64), Nearness>);

impl ExpiryWarnings {
    /// Says what has not been said about these certificates, and forgets all others.
    pub(super) fn warn(&mut self, port: Port, certificates: &[CertificateStats], now: Timestamp) {
        for (certificate, nearness) in self.due(certificates, now) {
            log(port, certificate, nearness);
        }
    }

    fn due<'a>(
        &mut self,
        certificates: &'a [CertificateStats],
        now: Timestamp,
    ) -> Vec<(&'a CertificateStats, Nearness)> {
        let (mut told, mut due) = (BTreeMap::new(), Vec::new());
        for certificate in certificates {
            let Some(nearness) = nearness(certificate, now) else { continue };
            let key = (certificate.subject.clone(), certificate.expires.as_millis());
            if self.0.get(&key).is_none_or(|before| *before < nearness) {
                due.push((certificate, nearness));
            }
            told.insert(key, nearness);
        }
        self.0 = told;
        due
    }
}

fn nearness(certificate: &CertificateStats, now: Timestamp) -> Option<Nearness> {
    if now > certificate.expires {
        return Some(Nearness::Expired);
    }
    let left = now.until(certificate.expires);
    let life = certificate.begins.until(certificate.expires);
    if left < (7 * DAY).min(life / 12) {
        return Some(Nearness::VerySoon);
    }
    (left < (30 * DAY).min(life / 4)).then_some(Nearness::Soon)
}

fn log(port: Port, certificate: &CertificateStats, nearness: Nearness) {
    let CertificateStats { role, subject, expires, .. } = certificate;
    let (section, expires) = (port.section(), date_text(*expires));
    if nearness == Nearness::Expired {
        tracing::error!(
            section,
            ?role,
            subject,
            expires,
            "a certificate has expired, renew it now"
        );
    } else {
        tracing::warn!(section, ?role, subject, expires, "a certificate expires soon, renew it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::CertificateRole;

    fn certificate(life: Duration) -> CertificateStats {
        CertificateStats {
            role: CertificateRole::Server,
            subject: "CN=millpond".into(),
            begins: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(0).plus(life),
        }
    }

    /// What is said when so much of the life is left, in this order.
    fn said(life: Duration, left: &[Duration]) -> Vec<Option<Nearness>> {
        let (certificates, mut warnings) = ([certificate(life)], ExpiryWarnings::default());
        let mut due = |left: &Duration| {
            let now = certificates[0].expires.minus(*left);
            warnings.due(&certificates, now).first().map(|(_, nearness)| *nearness)
        };
        left.iter().map(&mut due).collect()
    }

    #[test]
    fn each_warning_is_given_once_thirty_and_seven_days_before_the_end() {
        let left = [31, 29, 29, 8, 6, 6].map(|days| days * DAY);
        let expected = [None, Some(Nearness::Soon), None, None, Some(Nearness::VerySoon), None];
        assert_eq!(said(365 * DAY, &left), expected);
    }

    #[test]
    fn a_certificate_that_expired_is_told_of_once() {
        let mut warnings = ExpiryWarnings::default();
        let certificates = [certificate(DAY)];
        let after = certificates[0].expires.plus(Duration::from_secs(1));
        let nearness: Vec<_> = warnings.due(&certificates, after).iter().map(|due| due.1).collect();
        assert_eq!(nearness, [Nearness::Expired]);
        assert!(warnings.due(&certificates, after).is_empty());
    }

    #[test]
    fn a_short_life_is_no_reason_for_a_warning() {
        let minute = Duration::from_secs(60);
        let left = [59, 20, 14, 4].map(|minutes| minutes * minute);
        let expected = [None, None, Some(Nearness::Soon), Some(Nearness::VerySoon)];
        assert_eq!(said(60 * minute, &left), expected);
    }

    #[test]
    fn what_was_renewed_is_forgotten() {
        let mut warnings = ExpiryWarnings::default();
        let (old, renewed) = ([certificate(100 * DAY)], [certificate(200 * DAY)]);
        let now = old[0].expires.minus(DAY);
        assert_eq!(warnings.due(&old, now).len(), 1);
        assert!(warnings.due(&renewed, now).is_empty());
        assert!(warnings.0.is_empty());
    }
}
