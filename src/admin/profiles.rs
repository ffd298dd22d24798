//! `/profiles`: where memory was allocated, and where CPU time goes, in the form of pprof.
//!
//! | route | what it does |
//! |---|---|
//! | `GET /profiles/cpu?seconds=10` | samples the threads for so long, and answers with the profile |
//! | `POST /profiles/heap` | `{"active": true}` starts the allocator's profiler, `false` stops it |
//! | `GET /profiles/heap` | what was allocated since it was started, and is still in use |
//!
//! `format=json` gives the tree that the dashboard draws. Each call needs the token of calls that
//! change the process: it costs CPU time and memory. One profile is taken at a time, on a thread of its
//! own, and that ends early when the caller leaves.

mod query;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use super::answers::Answers;
use super::body;
use super::token::{ChangeToken, Refusal};
use crate::heap::{self, Account};
use crate::profile::Profile;
use crate::threads::IdleThread;
use query::{Format, Query};

/// More than a request to start or stop has.
const MAX_BYTES: usize = 1 << 10;

#[derive(Clone)]
struct Profiles {
    token: ChangeToken,
    answers: Answers,
    account: Account,
    turn: Arc<Semaphore>,
    /// Since when the allocator's profiler sees what is allocated.
    heap_since: Arc<Mutex<Option<Instant>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeapProfiler {
    active: bool,
}

/// Why a request is refused.
enum Refused {
    Token(Refusal),
    /// What is wrong with its query.
    Query(String),
}

/// The routes. What profiles take is charged to `account`.
pub(super) fn routes(token: ChangeToken, account: Account, answers: Answers) -> Router {
    let turn = Arc::new(Semaphore::new(1));
    let profiles = Profiles { token, answers, account, turn, heap_since: Arc::default() };
    Router::new()
        .route("/profiles/cpu", get(cpu))
        .route("/profiles/heap", get(heap).put(set_heap).post(set_heap))
        .with_state(profiles)
}

async fn cpu(
    State(profiles): State<Profiles>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = match profiles.query(&headers, query.as_deref()) {
        Ok(query) => query,
        Err(refused) => return refused.into_response(),
    };
    let duration = Duration::from_secs(query.seconds);
    profiles.take("cpu", query.format, move |stop| Profile::of_cpu(duration, &stop)).await
}

async fn heap(
    State(profiles): State<Profiles>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = match profiles.query(&headers, query.as_deref()) {
        Ok(query) => query,
        Err(refused) => return refused.into_response(),
    };
    let Some(since) = *profiles.heap_since.lock() else {
        let text = "the heap profiler is off: start it by POST {\"active\": true} to this path, \
                    wait, and ask again; a profile shows what was allocated from the start on\n";
        return (StatusCode::CONFLICT, text).into_response();
    };
    let duration = since.elapsed();
    profiles.take("heap", query.format, move |_stop| Profile::of_heap(duration)).await
}

async fn set_heap(State(profiles): State<Profiles>, headers: HeaderMap, body: Body) -> Response {
    if let Err(refusal) = profiles.token.check(&headers) {
        return refusal.into_response();
    }
    let bytes = match body::read(body, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused.into_response(),
    };
    let Ok(HeapProfiler { active }) = serde_json::from_slice(&bytes) else {
        return bad_request("send {\"active\": true} or {\"active\": false}");
    };
    let mut since = profiles.heap_since.lock();
    let (outcome, text) = if active {
        let text = "the heap profiler is on: a profile shows what was allocated from now on and is \
                    still in use, by a sample for each MiB\n";
        (heap::start_profiler(), text)
    } else {
        let text =
            "the heap profiler is off, and what it has seen is forgotten at the next start\n";
        (heap::stop_profiler(), text)
    };
    match outcome {
        Ok(()) => {
            *since = active.then(Instant::now);
            tracing::info!(active, "heap profiler switched");
            text.into_response()
        }
        Err(error) => failed(&error),
    }
}

impl Profiles {
    /// What a request asks for, or why it is refused.
    fn query(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Query, Refused> {
        self.token.check(headers).map_err(Refused::Token)?;
        Query::read(query).map_err(Refused::Query)
    }

    /// Takes a profile on a thread of its own. The thread is told to stop when the caller leaves.
    async fn take(
        &self,
        name: &str,
        format: Format,
        profile: impl FnOnce(Receiver<()>) -> io::Result<Profile> + Send + 'static,
    ) -> Response {
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            let text = "another profile is being taken: try again when it is done\n";
            return (StatusCode::CONFLICT, [(RETRY_AFTER, "10")], text).into_response();
        };
        let taken = self.run(turn, move |stop| {
            let profile = profile(stop)?;
            match format {
                Format::Pprof => profile.to_pprof(),
                Format::Json => profile.to_flame_graph(),
            }
        });
        match taken.await {
            Ok(bytes) => self.answer(name, format, bytes),
            Err(error) => failed(&error),
        }
    }

    /// Does this work, whose caller is there as long as the sender of what it is given.
    async fn run(
        &self,
        turn: OwnedSemaphorePermit,
        work: impl FnOnce(Receiver<()>) -> io::Result<Vec<u8>> + Send + 'static,
    ) -> io::Result<Vec<u8>> {
        let thread = IdleThread::start("profile", &self.account)?;
        let (done, result) = oneshot::channel();
        let (_caller, stop) = sync_channel(1);
        thread.run(move || {
            let outcome = work(stop);
            // The next profile may begin once this answer is on its way.
            drop(turn);
            let _ = done.send(outcome);
        });
        result.await.unwrap_or_else(|_| Err(io::Error::other("the work failed")))
    }

    fn answer(&self, name: &str, format: Format, bytes: Vec<u8>) -> Response {
        let bytes = match self.answers.hold(bytes) {
            Ok(bytes) => bytes,
            Err(busy) => return busy.into_response(),
        };
        let (content_type, file) = match format {
            Format::Pprof => {
                ("application/octet-stream", format!("attachment; filename=\"{name}.pb.gz\""))
            }
            Format::Json => ("application/json", "inline".to_owned()),
        };
        ([(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, &file)], bytes).into_response()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Token(refusal) => refusal.into_response(),
            Self::Query(wrong) => bad_request(&wrong),
        }
    }
}

fn bad_request(wrong: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{wrong}\n")).into_response()
}

fn failed(error: &io::Error) -> Response {
    let text = format!("the profile could not be taken: {error}\n");
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}
