//! The same lookups for every server: for existing keys, one or many at a time.

use anyhow::{Context, ensure};
use bytes::Bytes;
use millpond_benches::shape::Shape;
use millpond_client::v1::{
    BatchGetRequest, BatchGetResponse, GetRequest, GetResponse, lookup_result::Outcome,
};
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;

use crate::empty_server::{self, EmptyServer};
use crate::load::{Asked, Grpc, Text};
use crate::text_server::TextServer;

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
        let table = "table-0".to_owned();
        let keys = |numbers: Vec<u64>| numbers.into_iter().map(|number| self.shape.key(number));
        let get = |mut keys: Vec<String>| {
            let key = keys.pop().unwrap_or_default();
            GetRequest { table: table.clone(), key, ..Default::default() }.encode_to_vec()
        };
        let batch = |keys| {
            BatchGetRequest { table: table.clone(), keys, ..Default::default() }.encode_to_vec()
        };
        let (path, check): (_, fn(Bytes) -> anyhow::Result<()>) = match self.batch {
            1 => ("/millpond.v1.LookupService/Get", check_entry),
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

    pub(crate) fn to_text_server(self, server: &TextServer) -> Asked {
        let found = |number| (self.shape.key(number), self.shape.value(number));
        let first: Vec<_> = self.numbers().next().into_iter().flatten().map(found).collect();
        let ask = |numbers: Vec<u64>| {
            let keys: Vec<_> = numbers.into_iter().map(|number| self.shape.key(number)).collect();
            server.protocol.ask(&keys)
        };
        let requests = self.numbers().map(ask).collect();
        let first_answer = server.protocol.answer(&first);
        Asked::Text(Text { address: server.address, requests, first_answer })
    }

    /// The same numbers for every server.
    fn numbers(self) -> impl Iterator<Item = Vec<u64>> {
        let mut random = fastrand::Rng::with_seed(1);
        let one = move |_| (0..self.batch).map(|_| random.u64(..self.entries)).collect();
        (0..KEYS / self.batch).map(one)
    }
}

fn check_entry(answer: Bytes) -> anyhow::Result<()> {
    let outcome = GetResponse::decode(answer)?.result.and_then(|result| result.outcome);
    let outcome = outcome.context("no outcome")?;
    ensure!(matches!(outcome, Outcome::Entry(_)), "a miss: {outcome:?}");
    Ok(())
}

fn check_entries(answer: Bytes) -> anyhow::Result<()> {
    for result in BatchGetResponse::decode(answer)?.results {
        let outcome = result.outcome.context("no outcome")?;
        ensure!(matches!(outcome, Outcome::Entry(_)), "a miss: {outcome:?}");
    }
    Ok(())
}
