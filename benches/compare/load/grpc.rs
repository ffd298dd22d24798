//! Calls over gRPC. Requests are encoded beforehand, and answers are not decoded.

use std::iter;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};

use super::schedule::{CONNECTIONS, Pace, Schedule, Tally};
use crate::raw_codec::RawCodec;

/// Checks an answer.
pub(crate) type Check = fn(Bytes) -> anyhow::Result<()>;

pub(crate) struct Grpc {
    pub(crate) rpc: String,
    pub(crate) path: PathAndQuery,
    pub(crate) requests: Arc<[Bytes]>,
    /// Checks the first answer on each connection.
    pub(crate) check: Check,
}

type Done = Arc<Mutex<anyhow::Result<Tally>>>;

impl Grpc {
    pub(crate) fn drive(&self, pace: Pace, window: Duration) -> anyhow::Result<Tally> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let channels = runtime.block_on(self.connect())?;
        match pace {
            Pace::AsAnswered(at_once) => {
                runtime.block_on(self.as_answered(&channels, at_once, window))
            }
            Pace::Rate(rate) => {
                self.at_rate(&runtime, &channels, Schedule::new(rate, window, 1, 0))
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<Vec<Channel>> {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Endpoint::from_shared(format!("http://{}", self.rpc))?.connect().await?;
            let first = self.requests.first().context("no requests")?;
            let answer = call(channel.clone(), self.path.clone(), first.clone()).await?;
            (self.check)(answer)?;
            channels.push(channel);
        }
        Ok(channels)
    }

    async fn as_answered(
        &self,
        channels: &[Channel],
        at_once: usize,
        window: Duration,
    ) -> anyhow::Result<Tally> {
        let (end, mut callers) = (Instant::now() + window, JoinSet::new());
        let lanes = channels.iter().flat_map(|channel| iter::repeat_n(channel, at_once));
        let share = self.requests.len() / (CONNECTIONS * at_once);
        for (channel, lane) in lanes.zip(0..) {
            let requests = Arc::clone(&self.requests);
            callers.spawn(ask_until(
                end,
                channel.clone(),
                self.path.clone(),
                requests,
                lane * share,
            ));
        }
        let mut all = Tally::default();
        while let Some(tally) = callers.join_next().await {
            all.merge(tally??);
        }
        Ok(all)
    }

    /// Sends from this thread. The threads of the runtime receive.
    fn at_rate(
        &self,
        runtime: &Runtime,
        channels: &[Channel],
        mut schedule: Schedule,
    ) -> anyhow::Result<Tally> {
        let (done, mut calls): (Done, _) =
            (Arc::new(Mutex::new(Ok(Tally::default()))), JoinSet::new());
        let mut next = channels.iter().cycle().zip(self.requests.iter().cycle());
        while let (Some(sent), Some((channel, request))) = (schedule.next(), next.next()) {
            let answer = call(channel.clone(), self.path.clone(), request.clone());
            let done = Arc::clone(&done);
            let counted = async move { count(&done, sent, answer.await) };
            calls.spawn_on(counted, runtime.handle());
        }
        runtime.block_on(calls.join_all());
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = std::mem::replace(&mut *done, Ok(Tally::default()))?;
        tally.merge(schedule.tally());
        Ok(tally)
    }
}

/// Makes one call after the other, starting somewhere in the list of requests.
async fn ask_until(
    end: Instant,
    channel: Channel,
    path: PathAndQuery,
    requests: Arc<[Bytes]>,
    skipped: usize,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for request in requests.iter().cycle().skip(skipped) {
        let sent = Instant::now();
        call(channel.clone(), path.clone(), request.clone()).await?;
        tally.add(sent);
        if Instant::now() >= end {
            break;
        }
    }
    Ok(tally)
}

fn count(done: &Mutex<anyhow::Result<Tally>>, sent: Instant, answer: anyhow::Result<Bytes>) {
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    match (&mut *done, answer) {
        (Ok(tally), Ok(_)) => tally.add(sent),
        (Ok(_), Err(error)) => *done = Err(error),
        (Err(_), _) => {}
    }
}

async fn call(channel: Channel, path: PathAndQuery, request: Bytes) -> anyhow::Result<Bytes> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    Ok(client.unary(Request::new(request), path, RawCodec).await?.into_inner())
}
