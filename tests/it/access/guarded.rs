//! A service with a policy, tokens and an issuer of JWTs, and callers that prove what a test says.
//!
//! Owns the files of the service and the shape of calls. What a policy should do is not known here.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use futures_util::stream;
use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::stream_get_response::Outcome;
use millpond::proto::v1::{
    AccessStats, GetRequest, GetResponse, ListTablesRequest, StreamGetRequest,
};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::issuer::{AUDIENCE, ISSUER, Issuer};
use crate::support::broker::Broker;
use crate::support::service::{Service, table};

/// Who may call which methods for which tables. Several names have spaces between them.
pub(crate) type Rule = (&'static str, &'static str, &'static str);

/// The tests themselves ask for statistics, and prove nothing.
pub(crate) const TESTS: Rule = ("anonymous", "GetStats", "*");

/// A service with the tables `services` and `others`, the token "secret" of the name "web", the token
/// "admin-secret" of the name "admin", and an issuer of JWTs.
pub(crate) struct Guarded {
    pub(crate) service: Service,
    pub(crate) issuer: Issuer,
    pub(crate) folder: TempDir,
}

impl Guarded {
    pub(crate) async fn start(broker: &Broker, rules: &[Rule], more: &[&str]) -> Self {
        let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
        fs::write(folder.path().join("jwks"), issuer.jwks()).unwrap();
        write_tokens(folder.path(), &[("web", "secret"), ("admin", "admin-secret")]);
        let topic = broker.create_topic(1).await;
        let mut all = table(0, "services", &topic.name);
        all.extend(table(1, "others", &topic.name));
        all.extend(policy(rules));
        all.extend([
            format!("rpc.tokens.file={}", folder.path().join("tokens").display()),
            format!("rpc.jwt.jwks_file={}", folder.path().join("jwks").display()),
            format!("rpc.jwt.issuer={ISSUER}"),
            format!("rpc.jwt.audience={AUDIENCE}"),
        ]);
        all.extend(more.iter().map(ToString::to_string));
        let service = Service::start_with(&broker.bootstrap(), &all).await;
        if rules.contains(&TESTS) {
            service.wait_until_ready().await;
        }
        Self { service, issuer, folder }
    }

    pub(crate) async fn get(
        &self,
        token: Option<&str>,
        table: &str,
    ) -> Result<GetResponse, Status> {
        let request = GetRequest { table: table.into(), key: "a".into(), ..GetRequest::default() };
        let mut client = LookupServiceClient::new(self.service.channel());
        let mut request = authorized(request, token);
        // So that two errors are the same if all else in them is.
        request.metadata_mut().insert("x-request-id", "test".parse().unwrap());
        Ok(client.get(request).await?.into_inner())
    }

    /// The names of the tables that a caller is shown.
    pub(crate) async fn tables(&self, token: &str) -> Vec<String> {
        let request = authorized(ListTablesRequest::default(), Some(token));
        let listed = LookupServiceClient::new(self.service.channel()).list_tables(request).await;
        listed.unwrap().into_inner().tables.into_iter().map(|table| table.name).collect()
    }

    /// Calls whatever is at a path, about a table.
    pub(crate) async fn call(&self, path: &str, token: Option<&str>, table: &str) -> Code {
        call(channel(self.service.rpc), path, token, table).await
    }

    pub(crate) async fn access(&self) -> AccessStats {
        self.service.stats().await.rpc.unwrap().access.unwrap()
    }
}

/// Any request that is about a table: it is the first field of each.
#[derive(Clone, PartialEq, prost::Message)]
struct AboutTable {
    #[prost(string, tag = "1")]
    table: String,
}

/// A connection of its own, made at the first call.
fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

pub(crate) async fn call(channel: Channel, path: &str, token: Option<&str>, table: &str) -> Code {
    if path.ends_with("/StreamGet") {
        let called = stream_get(channel, token, table).await;
        return called.unwrap_or_else(|status| status.code());
    }
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let request = authorized(AboutTable { table: table.into() }, token);
    let path: PathAndQuery = path.parse().unwrap();
    let codec = ProstCodec::<AboutTable, ()>::default();
    // Called as a stream, since some answers are streams that do not end by themselves.
    let first =
        async { client.server_streaming(request, path, codec).await?.into_inner().message().await };
    first.await.map_or_else(|status| status.code(), |_| Code::Ok)
}

/// The code of the one lookup of a stream.
async fn stream_get(channel: Channel, token: Option<&str>, table: &str) -> Result<Code, Status> {
    let get = GetRequest { table: table.into(), key: "a".into(), ..GetRequest::default() };
    let requests = stream::iter([StreamGetRequest { tag: 1, get: Some(get) }]);
    let opened = LookupServiceClient::new(channel).stream_get(authorized(requests, token)).await?;
    let answer = opened.into_inner().message().await?.expect("an answer");
    Ok(match answer.outcome.unwrap() {
        Outcome::Response(_) => Code::Ok,
        Outcome::Error(error) => error.code.into(),
    })
}

pub(crate) fn policy(rules: &[Rule]) -> Vec<String> {
    let mut settings = Vec::new();
    for (number, (who, methods, tables)) in rules.iter().enumerate() {
        for (key, names) in [("who", who), ("methods", methods), ("tables", tables)] {
            let names = names.split(' ').enumerate();
            let setting = |(at, name)| format!("rpc.allow.{number}.{key}.{at}={name}");
            settings.extend(names.map(setting));
        }
    }
    settings
}

pub(crate) fn write_tokens(folder: &Path, tokens: &[(&str, &str)]) {
    let hex = |token: &str| {
        let digest = digest(&SHA256, token.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    };
    let lines = tokens.iter().map(|(name, token)| format!("{name} {}\n", hex(token)));
    fs::write(folder.join("tokens"), lines.collect::<Vec<_>>().concat()).unwrap();
}

pub(crate) fn authorized<M>(message: M, token: Option<&str>) -> Request<M> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let header = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", header);
    }
    request
}
