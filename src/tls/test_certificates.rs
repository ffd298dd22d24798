//! Certificates for the tests, made anew in each: a CA, and what it signs.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// A CA.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both in PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Valid {
    Now,
    Before,
    After,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        Self::valid(name, Valid::Now)
    }

    pub(super) fn valid(name: &str, valid: Valid) -> Self {
        let params = authority_params(name, valid);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A CA that this one signed.
    pub(super) fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name, Valid::Now), KeyPair::generate().unwrap());
        Self(CertifiedIssuer::signed_by(params, key, &self.0).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// A certificate for `localhost`, for servers and clients.
    pub(super) fn issue(&self, valid: Valid) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf_params(valid).signed_by(&key, &self.0).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    /// A certificate that signed itself.
    pub(super) fn by_itself() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf_params(Valid::Now).self_signed(&key).unwrap();
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes `tls.crt` and `tls.key`.
    pub(super) fn write(&self, folder: &Path) {
        fs::write(folder.join("tls.crt"), &self.certificate).unwrap();
        fs::write(folder.join("tls.key"), &self.key).unwrap();
    }
}

fn authority_params(name: &str, valid: Valid) -> CertificateParams {
    let mut params = params(name, valid);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf_params(valid: Valid) -> CertificateParams {
    let mut params = params("localhost", valid);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn params(name: &str, valid: Valid) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    match valid {
        Valid::Now => {}
        Valid::Before => params.not_after = date_time_ymd(2020, 1, 1),
        Valid::After => params.not_before = date_time_ymd(2999, 1, 1),
    }
    params
}
