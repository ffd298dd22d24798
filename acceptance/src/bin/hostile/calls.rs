//! A peer that makes calls as a client library does, with flow control and all, and then does not
//! finish them, or does not read their answers, or makes far too many.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use millpond_acceptance::cost::exact;
use millpond_acceptance::status_code;
use tokio::time::sleep;

use crate::outcome::Outcome;
use crate::peer::{About, Attack, Peer};
use crate::requests::Call;
use crate::target::{Port, Target};

/// The window of a peer that reads.
const WIDE_BYTES: u32 = 1 << 20;
/// After a call that failed. A peer that spins takes its own time, not the service's.
const AFTER_FAILURE: Duration = Duration::from_millis(1);
const OK: &str = "OK";

/// How a call's body ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// It is whole.
    Whole,
    /// It stops there, and its end never comes.
    Never,
    /// A byte more comes after each pause.
    Trickle(Duration),
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    All,
    /// As many bytes as this are taken from each stream, and no more are allowed.
    First(u32),
    /// So many bytes a second are taken from each stream.
    AtRate(u32),
}

/// What may be on its way to a peer that reads at a rate.
const SLOW_WINDOW_BYTES: u32 = 4 << 10;

/// A peer that makes the same call on every stream of its connections, again and again.
pub(crate) struct Calls {
    about: About,
    streams: u16,
    call: Call,
    end: End,
    reading: Reading,
}

impl Calls {
    /// A peer that makes whole calls and reads their answers.
    pub(crate) fn new(about: About, streams: u16, call: Call) -> Self {
        Self { about, streams, call, end: End::Whole, reading: Reading::All }
    }

    pub(crate) fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    pub(crate) fn reading(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    fn builder(&self) -> Builder {
        let mut builder = Builder::new();
        let (window, connection) = match self.reading {
            Reading::All => (WIDE_BYTES, WIDE_BYTES),
            // The connection has room for all, so that each stream stops at its own window.
            Reading::First(bytes) => (bytes, WIDE_BYTES),
            Reading::AtRate(_) => (SLOW_WINDOW_BYTES, WIDE_BYTES),
        };
        builder.initial_window_size(window).initial_connection_window_size(connection);
        builder
    }

    async fn use_streams(&self, sender: SendRequest<Bytes>, outcome: &Outcome) {
        let streams = (0..self.streams).map(|_| self.keep_calling(sender.clone(), outcome));
        join_all(streams).await;
    }

    async fn keep_calling(&self, sender: SendRequest<Bytes>, outcome: &Outcome) {
        loop {
            let Ok(ready) = sender.clone().ready().await else { return };
            let status = self.make_call(ready).await.unwrap_or_else(|error| reason(&error));
            let has_failed = status != OK;
            outcome.count(status);
            if has_failed {
                sleep(AFTER_FAILURE).await;
            }
        }
    }

    /// Makes one call, and returns its status.
    async fn make_call(&self, mut sender: SendRequest<Bytes>) -> Result<String, h2::Error> {
        let (response, mut stream) = sender.send_request(self.request(), false)?;
        let body = self.send_body(&mut stream);
        let answer = status(response, self.reading);
        tokio::pin!(body, answer);
        // An answer may come before the body is sent, and a refusal may reset the stream meanwhile.
        tokio::select! {
            answered = &mut answer => answered,
            sent = &mut body => {
                sent?;
                answer.await
            }
        }
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.call.uri();
        *request.headers_mut() = self.call.headers();
        request
    }

    async fn send_body(&self, stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
        send(stream, self.call.body.clone(), matches!(self.end, End::Whole)).await?;
        match self.end {
            End::Whole => Ok(()),
            End::Never => std::future::pending().await,
            End::Trickle(pause) => loop {
                sleep(pause).await;
                send(stream, Bytes::from_static(b"\0"), false).await?;
            },
        }
    }
}

/// Sends bytes as the other side allows them.
async fn send(
    stream: &mut SendStream<Bytes>,
    mut bytes: Bytes,
    is_last: bool,
) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let Some(allowed) = poll_fn(|context| stream.poll_capacity(context)).await else {
            return Ok(());
        };
        let part = bytes.split_to(allowed?.min(bytes.len()));
        stream.send_data(part, is_last && bytes.is_empty())?;
    }
    Ok(())
}

/// Waits for the end of a call, and returns its status.
async fn status(response: ResponseFuture, reading: Reading) -> Result<String, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    if let Some(status) = status_in(&head.headers) {
        return Ok(status);
    }
    while let Some(part) = body.data().await {
        let bytes = part?.len();
        if let Reading::AtRate(rate) = reading {
            sleep(Duration::from_secs(1).mul_f64(exact(bytes as u64) / f64::from(rate))).await;
        }
        release(&mut body, bytes, reading)?;
    }
    let trailers = body.trailers().await?;
    let status = trailers.as_ref().and_then(status_in);
    Ok(status.unwrap_or_else(|| format!("HTTP {}", head.status.as_u16())))
}

fn release(body: &mut RecvStream, bytes: usize, reading: Reading) -> Result<(), h2::Error> {
    match reading {
        Reading::All | Reading::AtRate(_) => body.flow_control().release_capacity(bytes),
        Reading::First(_) => Ok(()),
    }
}

fn status_in(headers: &HeaderMap) -> Option<String> {
    let number: usize = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    status_code::name(number).map(str::to_owned)
}

fn reason(error: &h2::Error) -> String {
    let kind = if error.is_go_away() {
        "goaway"
    } else if error.is_reset() {
        "reset"
    } else if error.is_io() {
        "connection lost"
    } else {
        "failed"
    };
    let reason = error.reason().map(|reason| format!(" ({})", reason.description()));
    format!("{kind}{}", reason.unwrap_or_default())
}

impl Peer for Calls {
    fn about(&self) -> &About {
        &self.about
    }

    fn attack<'a>(&'a self, target: &'a Target, address: u16, outcome: &'a Outcome) -> Attack<'a> {
        Box::pin(async move {
            let stream = match target.connect(Port::Rpc, address).await {
                Ok(stream) => stream,
                Err(error) => {
                    return outcome.count(format_args!("not connected: {}", error.kind()));
                }
            };
            outcome.count("connected");
            match self.builder().handshake::<_, Bytes>(stream).await {
                Ok((sender, connection)) => {
                    tokio::select! {
                        _ = connection => {}
                        () = self.use_streams(sender, outcome) => {}
                    }
                }
                Err(error) => outcome.count(reason(&error)),
            }
            outcome.count("closed");
        })
    }
}
