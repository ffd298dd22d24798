//! `[rpc.tokens]` and `[[rpc.allow]]`: how callers are identified, and what they may do.

use std::path::PathBuf;

use serde::Serialize;

use super::allow::{self, Allow};
use super::form::FILE;
use super::jwt::{self, Jwt};
use super::section::{Section, Unset};

const ABOUT_TOKENS: &str = "Bearer tokens by a file. Without this section there are none.";

/// How callers are identified, and what they may do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Access {
    /// The file of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// How JWTs are verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    /// The policy. Empty: there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allow>,
}

/// The file of tokens.
#[derive(Clone, Debug, Serialize)]
pub struct Tokens {
    /// Its path.
    pub file: PathBuf,
}

impl Access {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let tokens = section.optional_section("tokens", ABOUT_TOKENS, Tokens::read);
        let jwt = section.optional_section("jwt", jwt::ABOUT, Jwt::read);
        let allow = section.optional_list("allow", allow::ABOUT, Allow::read);
        Some(Self { tokens: tokens?, jwt: jwt?, allow: allow? })
    }
}

impl Tokens {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let file = section.key(
            "file",
            &FILE,
            Unset::Fault,
            "A file with a line `NAME SHA256` for each token: a name of your choice, and the SHA-256 \
             of the token in hexadecimal. What follows a `#` is a comment. Two tokens may have one \
             name. The file is read again when it changes.",
        )?;
        Some(Self { file: file.into() })
    }
}
