//! The authorities of a rotation, and who has which certificate at the moment: the service and its
//! callers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustls::ALL_VERSIONS;
use tokio::time::sleep;

use super::former;
use crate::connection::{HOST, Identity, identity, shake_hands};
use millpond_acceptance::authority::{Authority, Credential};
use millpond_acceptance::mount::Mount;

const CALLER: &str = "web.shop.svc";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// How the callers connect at the moment. It changes while they run.
#[derive(Clone)]
pub(super) struct Callers(Arc<Mutex<Identity>>);

pub(super) struct Parties {
    /// The authorities that are trusted, the newest last.
    authorities: Vec<Authority>,
    made: u32,
    server: Credential,
    caller: Credential,
    callers: Callers,
}

impl Callers {
    pub(super) fn identity(&self) -> Identity {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, identity: Identity) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

impl Parties {
    pub(super) fn new() -> Result<Self> {
        let authority = Authority::new("authority 0")?;
        let (server, caller) = (authority.issue(&[HOST])?, authority.issue(&[CALLER])?);
        let first = identity(&authority.pem(), Some(&caller), ALL_VERSIONS)?;
        let callers = Callers(Arc::new(Mutex::new(first)));
        Ok(Self { authorities: vec![authority], made: 0, server, caller, callers })
    }

    /// The callers, who have new certificates as soon as there are any.
    pub(super) fn callers(&self) -> Callers {
        self.callers.clone()
    }

    /// What a caller has now.
    pub(super) fn caller(&self) -> &Credential {
        &self.caller
    }

    /// All trusted authorities, in PEM.
    pub(super) fn trusted(&self) -> String {
        self.authorities.iter().map(Authority::pem).collect()
    }

    /// Puts the files of the service into its folder.
    pub(super) fn put(&self, mount: &mut Mount) -> Result<()> {
        let Credential { certificate, key } = &self.server;
        mount.put(&[("tls.crt", certificate), ("tls.key", key), ("ca.crt", &self.trusted())])
    }

    /// The first step: both sides trust the new authority too.
    pub(super) async fn trust_both(
        &mut self,
        mount: &mut Mount,
        address: SocketAddr,
    ) -> Result<()> {
        self.made += 1;
        self.authorities.push(Authority::new(&format!("authority {}", self.made))?);
        self.put(mount)?;
        self.callers.change(self.identity_of(&self.caller)?);
        let newcomer = self.identity_of(&self.newest()?.issue(&[CALLER])?)?;
        wait_until("the new authority is trusted", async || {
            former::is_served(address, &newcomer).await
        })
        .await
    }

    /// The second step: new certificates for both sides.
    pub(super) async fn issue_anew(
        &mut self,
        mount: &mut Mount,
        address: SocketAddr,
    ) -> Result<()> {
        self.server = self.newest()?.issue(&[HOST])?;
        self.caller = self.newest()?.issue(&[CALLER])?;
        self.put(mount)?;
        self.callers.change(self.identity_of(&self.caller)?);
        // Trusts the new authority alone, so it sees when the certificate is new.
        let newest = identity(&self.newest()?.pem(), Some(&self.caller), ALL_VERSIONS)?;
        wait_until("the new certificate is served", async || {
            shake_hands(address, &newest).await.is_ok()
        })
        .await
    }

    /// The third step: the former authority is trusted no more.
    pub(super) async fn remove_former(
        &mut self,
        mount: &mut Mount,
        address: SocketAddr,
    ) -> Result<()> {
        let former = self.authorities.remove(0);
        let left = identity(&self.trusted(), Some(&former.issue(&[CALLER])?), ALL_VERSIONS)?;
        self.put(mount)?;
        self.callers.change(self.identity_of(&self.caller)?);
        wait_until("the former authority is refused", async || {
            !former::is_served(address, &left).await
        })
        .await
    }

    pub(super) async fn wait_until_served(&self, address: SocketAddr) -> Result<()> {
        let identity = self.callers.identity();
        wait_until("the service answers", async || former::is_served(address, &identity).await)
            .await
    }

    fn identity_of(&self, credential: &Credential) -> Result<Identity> {
        identity(&self.trusted(), Some(credential), ALL_VERSIONS)
    }

    fn newest(&self) -> Result<&Authority> {
        self.authorities.last().ok_or_else(|| anyhow::anyhow!("there is no authority"))
    }
}

async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !holds().await {
        ensure!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(LOOK).await;
    }
    Ok(())
}
