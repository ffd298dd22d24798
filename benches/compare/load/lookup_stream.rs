//! Lookups on a stream: one call on each connection, with many lookups in flight.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};

use super::grpc::Check;
use super::schedule::{CONNECTIONS, Pace, Tally};
use crate::raw_codec::RawCodec;

pub(crate) struct LookupStream {
    pub(crate) rpc: String,
    pub(crate) requests: Arc<[Bytes]>,
    /// Checks the first answer of each stream.
    pub(crate) check: Check,
}

/// One stream, which has answered its first lookup.
struct Lane {
    requests: Sender<Bytes>,
    answers: Streaming<Bytes>,
}

impl LookupStream {
    pub(super) fn drive(&self, pace: Pace, window: Duration) -> anyhow::Result<Tally> {
        let Pace::AsAnswered(at_once) = pace else { bail!("a stream has no rate of its own") };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            let mut lanes = JoinSet::new();
            for number in 0..CONNECTIONS {
                let lane = self.open(at_once).await?;
                let requests = Arc::clone(&self.requests);
                let first = number * requests.len() / CONNECTIONS;
                lanes.spawn(lane.ask_until(Instant::now() + window, requests, first, at_once));
            }
            let mut all = Tally::default();
            while let Some(tally) = lanes.join_next().await {
                all.merge(tally??);
            }
            Ok(all)
        })
    }

    async fn open(&self, at_once: usize) -> anyhow::Result<Lane> {
        let path = PathAndQuery::from_static("/millpond.v1.LookupService/StreamGet");
        let channel_ = Endpoint::from_shared(format!("http://{}", self.rpc))?.connect().await?;
        let (requests, to_send): (_, Receiver<Bytes>) = channel(at_once);
        let first = self.requests.first().context("no requests")?;
        requests.send(first.clone()).await?;
        let mut client = tonic::client::Grpc::new(channel_);
        client.ready().await?;
        let call = Request::new(ReceiverStream::new(to_send));
        let mut answers = client.streaming(call, path, RawCodec).await?.into_inner();
        (self.check)(answers.message().await?.context("no answer")?)?;
        Ok(Lane { requests, answers })
    }
}

impl Lane {
    async fn ask_until(
        mut self,
        end: Instant,
        requests: Arc<[Bytes]>,
        first: usize,
        at_once: usize,
    ) -> anyhow::Result<Tally> {
        let mut requests = requests.iter().cycle().skip(first);
        let (mut sent, mut tally) = (VecDeque::new(), Tally::default());
        for request in requests.by_ref().take(at_once) {
            sent.push_back(Instant::now());
            self.requests.send(request.clone()).await?;
        }
        while let Some(since) = sent.pop_front() {
            self.answers.message().await?.context("the stream ended")?;
            tally.add(since);
            if let Some(request) = requests.next().filter(|_| Instant::now() < end) {
                sent.push_back(Instant::now());
                self.requests.send(request.clone()).await?;
            }
        }
        Ok(tally)
    }
}
