//! An authority that signs certificates, for services and for their callers.
//!
//! Owns how a certificate is made. Knows nothing of where it is kept or used.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

/// A key, and the certificate with which it signs others.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new one, with a new key.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = named(name)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A new certificate for these names: SPIFFE ids and host names.
    pub fn issue(&self, names: &[&str]) -> Result<Credential> {
        let mut params = named(names.first().copied().unwrap_or("nobody"))?;
        for name in names {
            params.subject_alt_names.push(subject(name)?);
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn subject(name: &str) -> Result<SanType> {
    let name_text = name.try_into()?;
    Ok(if name.contains("://") { SanType::URI(name_text) } else { SanType::DnsName(name_text) })
}
