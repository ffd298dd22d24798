//! The files with which a caller comes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::scene::{Scene, text};
use millpond_acceptance::authority::Credential;

/// The variables that name them, for each caller as for `millpond` itself.
const VARIABLES: [&str; 4] =
    ["MILLPOND_CA", "MILLPOND_CERTIFICATE", "MILLPOND_KEY", "MILLPOND_TOKEN_FILE"];

/// The paths of a caller's files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    ca: PathBuf,
    certificate: Option<(PathBuf, PathBuf)>,
    token: Option<PathBuf>,
    /// The SPIFFE id of the service, for a caller that goes by it.
    pub(super) server: Option<&'static str>,
}

impl Files {
    /// A caller that trusts this authority and proves nothing.
    pub(super) fn trusting(scene: &Scene, name: &str, ca: &str) -> Result<Self> {
        let ca = scene.write(&format!("{name}.ca.crt"), ca)?;
        Ok(Self { ca, certificate: None, token: None, server: None })
    }

    pub(super) fn with_certificate(
        mut self,
        scene: &Scene,
        name: &str,
        credential: &Credential,
    ) -> Result<Self> {
        let certificate = scene.write(&format!("{name}.crt"), &credential.certificate)?;
        let key = scene.write(&format!("{name}.key"), &credential.key)?;
        self.certificate = Some((certificate, key));
        Ok(self)
    }

    pub(super) fn with_token(mut self, scene: &Scene, name: &str, token: &str) -> Result<Self> {
        self.token = Some(scene.write(&format!("{name}.token"), token)?);
        Ok(self)
    }

    /// Names the files to a program.
    pub(super) fn give(&self, command: &mut Command) {
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.env("MILLPOND_CA", text(&self.ca));
        if let Some((certificate, key)) = &self.certificate {
            command.env("MILLPOND_CERTIFICATE", text(certificate)).env("MILLPOND_KEY", text(key));
        }
        if let Some(token) = &self.token {
            command.env("MILLPOND_TOKEN_FILE", text(token));
        }
        if let Some(server) = self.server {
            command.env("SERVER_SPIFFE_ID", server);
        }
    }
}
