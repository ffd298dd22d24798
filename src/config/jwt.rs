//! `[rpc.jwt]`: how JWTs are verified, and where the keys for that are.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::form::{FILE, Optional, Text};
use super::section::{Section, Unset};

pub(super) const ABOUT: &str = "JWTs as bearer tokens, such as those of Kubernetes' service accounts. Without this section there \
     are none. A token needs `sub`, `iss`, `aud` and `exp`, and a signature by RS256, RS384, RS512, \
     ES256, ES384 or EdDSA. Write `jwks_file` or `jwks_url`.";

/// How JWTs are verified.
#[derive(Clone, Debug, Serialize)]
pub struct Jwt {
    /// The keys.
    #[serde(flatten)]
    pub keys: JwtKeys,
    /// The `iss` of every token.
    pub issuer: String,
    /// An `aud` of every token.
    pub audience: String,
}

/// Where the keys of JWTs are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum JwtKeys {
    /// In a file.
    File {
        /// Its path.
        #[serde(rename = "jwks_file")]
        file: PathBuf,
    },
    /// At a URL.
    Url {
        /// The URL: https, or http on loopback.
        #[serde(rename = "jwks_url")]
        url: String,
        /// The CAs that its server's certificate is verified by, in PEM.
        #[serde(rename = "jwks_ca", skip_serializing_if = "Option::is_none")]
        ca: Option<PathBuf>,
        /// A bearer token for it.
        #[serde(rename = "jwks_token_file", skip_serializing_if = "Option::is_none")]
        token_file: Option<PathBuf>,
    },
}

const NAME: Text =
    Text { wanted: "a text", fault: |text| text.trim().is_empty().then_some("it is empty") };
const URL: Text = Text {
    wanted: "a URL that begins with https://",
    fault: |text| {
        let on_loopback = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
        let is_local =
            on_loopback.iter().any(|local| text.starts_with(local)) && !text.contains('@');
        // Whoever can change the keys on the way can be anybody.
        (!text.starts_with("https://") && !is_local).then_some("not https")
    },
};

impl Jwt {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let keys = JwtKeys::read(section);
        let issuer = section.key("issuer", &NAME, Unset::Fault, "The `iss` of every token.");
        let audience = section.key(
            "audience",
            &NAME,
            Unset::Fault,
            "What is in the `aud` of every token: a name for this service, so that a token for \
             another service is of no use here.",
        );
        Some(Self { keys: keys?, issuer: issuer?, audience: audience? })
    }
}

impl JwtKeys {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let [file, ca, token_file] = [
            ("jwks_file", "A file with the keys, as a JWKS. It is read again when it changes."),
            (
                "jwks_ca",
                "The CAs, in PEM, by which the certificate of the URL's server is verified. Needed \
                 with https.",
            ),
            (
                "jwks_token_file",
                "A file with a bearer token for the URL. It is read at each fetch.",
            ),
        ]
        .map(|(name, about)| {
            section.key(name, &Optional(FILE), Unset::Derived("none", || None), about)
        });
        let url = section.key(
            "jwks_url",
            &Optional(URL),
            Unset::Derived("none", || None),
            "The URL of the keys. They are fetched every five minutes, and earlier when a token \
             names a key that is not there. Where that fails, the last ones go on.",
        );
        let (ca, token_file) = (ca?.map(PathBuf::from), token_file?.map(PathBuf::from));
        match (file?, url?) {
            (Some(file), None) => Some(Self::File { file: file.into() }),
            (None, Some(url)) if ca.is_some() || url.starts_with("http:") => {
                Some(Self::Url { url, ca, token_file })
            }
            (None, Some(_)) => missing(section, "jwks_ca", "write the path of the CAs, in PEM"),
            (None, None) => missing(section, "jwks_file", "write the path of a JWKS, or jwks_url"),
            (Some(_), Some(_)) => {
                let path = section.path_of("jwks_file");
                section.report.fault(&path, "there is a jwks_url too", "write one of the two");
                None
            }
        }
    }
}

fn missing(section: &mut Section<'_>, name: &str, cure: &str) -> Option<JwtKeys> {
    let path = section.path_of(name);
    section.missing(&path, cure);
    None
}

/// The path or the URL.
impl fmt::Display for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file } => write!(f, "{}", file.display()),
            Self::Url { url, .. } => f.write_str(url),
        }
    }
}
