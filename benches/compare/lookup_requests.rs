//! The same lookups for every server: for existing keys, one or many at a time.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use millpond_benches::shape::Shape;
use millpond_client::v1::{
    BatchGetRequest, BatchGetResponse, GetRequest, GetResponse, StreamGetRequest,
    StreamGetResponse, lookup_result::Outcome, stream_get_response,
};
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;

use crate::empty_server::{self, EmptyServer};
use crate::load::{Answers, Asked, Grpc, LookupStream, Text};
use crate::text_server::TextServer;

const TABLE: &str = "table-0";
/// The number of keys that are looked up before the first one is looked up again.
const KEYS: usize = 200_000;

/// Lookups of `batch` keys each, out of `entries` entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookupRequests {
    pub(crate) batch: usize,
    pub(crate) entries: u64,
    pub(crate) shape: Shape,
}

impl LookupRequests {
    pub(crate) fn to_empty_server(server: &EmptyServer) -> Asked {
        Asked::Grpc(Grpc {
            rpc: server.rpc.clone(),
            path: PathAndQuery::from_static(empty_server::PATH),
            requests: vec![Bytes::new(); KEYS].into(),
            check: |_| Ok(()),
        })
    }

    pub(crate) fn to_millpond(self, rpc: &str) -> Asked {
        let table = TABLE.to_owned();
        let keys = |numbers: Vec<u64>| numbers.into_iter().map(|number| self.shape.key(number));
        let get = |mut keys: Vec<String>| {
            let key = keys.pop().unwrap_or_default();
            GetRequest { table: table.clone(), key, ..Default::default() }.encode_to_vec()
        };
        let batch = |keys| {
            BatchGetRequest { table: table.clone(), keys, ..Default::default() }.encode_to_vec()
        };
        let (path, check): (_, fn(Bytes) -> anyhow::Result<()>) = match self.batch {
            1 => ("/millpond.v1.LookupService/Get", check_get),
            _ => ("/millpond.v1.LookupService/BatchGet", check_entries),
        };
        let encode = |numbers| {
            let keys = keys(numbers).collect();
            Bytes::from(if self.batch == 1 { get(keys) } else { batch(keys) })
        };
        let requests = self.numbers().map(encode).collect();
        let path = PathAndQuery::from_static(path);
        Asked::Grpc(Grpc { rpc: rpc.to_owned(), path, requests, check })
    }

    /// The same, each a message of one stream.
    pub(crate) fn to_lookup_stream(self, rpc: &str) -> Asked {
        let encode = |numbers: Vec<u64>| {
            let key = numbers.first().map(|&number| self.shape.key(number)).unwrap_or_default();
            let get = GetRequest { table: TABLE.to_owned(), key, ..Default::default() };
            Bytes::from(StreamGetRequest { tag: 1, get: Some(get) }.encode_to_vec())
        };
        let requests = self.numbers().map(encode).collect();
        Asked::LookupStream(LookupStream { rpc: rpc.to_owned(), requests, check: check_lookup })
    }

    /// The same over HTTP/1.1.
    pub(crate) fn to_json(self, admin: &str) -> anyhow::Result<Asked> {
        let ask = |numbers: Vec<u64>| {
            let key = numbers.first().map(|&number| self.shape.key(number)).unwrap_or_default();
            format!("GET /v1/tables/{TABLE}/entries/{key} HTTP/1.1\r\nhost: {admin}\r\n\r\n")
        };
        let requests = self.numbers().map(|numbers| ask(numbers).into_bytes()).collect();
        Ok(Asked::Text(Text { address: admin.parse()?, requests, answers: Answers::Http }))
    }

    pub(crate) fn to_text_server(self, server: &TextServer) -> Asked {
        let found = |number| (self.shape.key(number), self.shape.value(number));
        let first: Vec<_> = self.numbers().next().into_iter().flatten().map(found).collect();
        let ask = |numbers: Vec<u64>| {
            let keys: Vec<_> = numbers.into_iter().map(|number| self.shape.key(number)).collect();
            server.protocol.ask(&keys)
        };
        let requests = self.numbers().map(ask).collect();
        let answers = Answers::Like(server.protocol.answer(&first));
        Asked::Text(Text { address: server.address, requests, answers })
    }

    /// The same numbers for every server.
    fn numbers(self) -> impl Iterator<Item = Vec<u64>> {
        let mut random = fastrand::Rng::with_seed(1);
        let one = move |_| (0..self.batch).map(|_| random.u64(..self.entries)).collect();
        (0..KEYS / self.batch).map(one)
    }
}

fn check_get(answer: Bytes) -> anyhow::Result<()> {
    check_entry(GetResponse::decode(answer)?)
}

fn check_entry(response: GetResponse) -> anyhow::Result<()> {
    let outcome = response.result.and_then(|result| result.outcome);
    let outcome = outcome.context("no outcome")?;
    ensure!(matches!(outcome, Outcome::Entry(_)), "a miss: {outcome:?}");
    Ok(())
}

fn check_lookup(answer: Bytes) -> anyhow::Result<()> {
    match StreamGetResponse::decode(answer)?.outcome.context("no outcome")? {
        stream_get_response::Outcome::Response(response) => check_entry(response),
        stream_get_response::Outcome::Error(error) => bail!("an error: {error:?}"),
    }
}

fn check_entries(answer: Bytes) -> anyhow::Result<()> {
    for result in BatchGetResponse::decode(answer)?.results {
        let outcome = result.outcome.context("no outcome")?;
        ensure!(matches!(outcome, Outcome::Entry(_)), "a miss: {outcome:?}");
    }
    Ok(())
}
