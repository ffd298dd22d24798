//! One service, protected or not, and the calls whose cost is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use millpond_acceptance::cost;
use millpond_acceptance::served::Served;
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use millpond_client::v1::{BatchGetRequest, GetRequest};
use rustls::ALL_VERSIONS;
use rustls::client::Resumption;
use tonic::transport::{Channel, Endpoint};

use crate::connection::{Identity, channel, identity};
use crate::page;
use crate::scene::{Scene, TABLE, key};
use millpond_acceptance::authority::Authority;

/// Callers at once, each with a connection of its own.
const CALLERS: u64 = 8;
const POLICY: &str = r#"
[[rpc.allow]]
who = ["anonymous"]
methods = ["LookupService"]
tables = ["services"]
"#;

/// What protects a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    Nothing,
    Policy,
    Tls,
    /// Mutual TLS, and a policy that names the caller.
    Both,
}

impl Protection {
    /// Nothing comes first: the others are compared with it.
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::Policy, Self::Tls, Self::Both];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Policy => "a policy",
            Self::Tls => "TLS",
            Self::Both => "TLS and a policy",
        }
    }

    fn configuration(self) -> Result<String> {
        let mutual = page::recipe("mutual-tls")?;
        // What comes before the policy.
        let tls = mutual.split("[admin]").next().unwrap_or_default().to_owned();
        Ok(match self {
            Self::Nothing => String::new(),
            Self::Policy => POLICY.to_owned(),
            Self::Tls => tls,
            Self::Both => mutual,
        })
    }
}

pub(super) struct Contender {
    pub(super) protection: Protection,
    served: Served,
    address: SocketAddr,
    identity: Option<Identity>,
    callers: Vec<LookupServiceClient<Channel>>,
}

impl Contender {
    pub(super) async fn start(
        protection: Protection,
        scene: &Scene,
        authority: &Authority,
    ) -> Result<Self> {
        let mut settings = vec!["rpc.max_connections=512".into()];
        settings.push("rpc.max_connections_per_peer=512".into());
        let identity = match protection {
            Protection::Nothing | Protection::Policy => None,
            Protection::Tls | Protection::Both => {
                let caller = authority.issue(&["web.shop.svc"])?;
                Some(identity(&authority.pem(), Some(&caller), ALL_VERSIONS)?)
            }
        };
        if protection == Protection::Both {
            settings.push("admin.probe_listen=127.0.0.1:0".into());
        }
        let served = scene.serve(&protection.configuration()?, &settings, "security-cost.log")?;
        let address = served.rpc().parse()?;
        let mut contender = Self { protection, served, address, identity, callers: Vec::new() };
        for _ in 0..CALLERS {
            contender.callers.push(contender.connect().await?);
        }
        Ok(contender)
    }

    /// The CPU time of the process for so many lookups of one key.
    pub(super) async fn spend_on_gets(&self, calls: u64) -> Result<Duration> {
        let before = self.cpu()?;
        let callers = self.callers.iter().map(async |caller| {
            let mut caller = caller.clone();
            for number in 0..calls / CALLERS {
                let key = key(number);
                let request = GetRequest { table: TABLE.into(), key, ..GetRequest::default() };
                caller.get(request).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(callers).await?;
        Ok(self.cpu()?.saturating_sub(before))
    }

    /// The same for lookups of several keys.
    pub(super) async fn spend_on_batches(&self, calls: u64, keys: u64) -> Result<Duration> {
        let keys: Vec<_> = (0..keys).map(key).collect();
        let before = self.cpu()?;
        let callers = self.callers.iter().map(async |caller| {
            let mut caller = caller.clone();
            for _ in 0..calls / CALLERS {
                let (table, keys) = (TABLE.into(), keys.clone());
                let request = BatchGetRequest { table, keys, ..BatchGetRequest::default() };
                caller.batch_get(request).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(callers).await?;
        Ok(self.cpu()?.saturating_sub(before))
    }

    /// The same for connections, each with one lookup.
    pub(super) async fn spend_on_connections(&self, connections: u64) -> Result<Duration> {
        let before = self.cpu()?;
        for _ in 0..connections {
            self.connect().await?;
        }
        Ok(self.cpu()?.saturating_sub(before))
    }

    /// A new connection that has answered.
    async fn connect(&self) -> Result<LookupServiceClient<Channel>> {
        let channel = match &self.identity {
            None => Endpoint::from_shared(format!("http://{}", self.address))?.connect_lazy(),
            Some(identity) => {
                let fresh = without_session(identity);
                channel(self.address, move || Arc::clone(&fresh))?
            }
        };
        let mut caller = LookupServiceClient::new(channel);
        let request = GetRequest { table: TABLE.into(), key: key(1), ..GetRequest::default() };
        caller.get(request).await.context("a first lookup failed")?;
        Ok(caller)
    }

    fn cpu(&self) -> Result<Duration> {
        cost::cpu(self.served.id().context("the service has ended")?)
    }
}

/// The same identity with no session to resume, so that each handshake is a whole one.
fn without_session(identity: &Identity) -> Identity {
    let mut config = (**identity).clone();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
