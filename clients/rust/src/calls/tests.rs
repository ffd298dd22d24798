//! Lookups of a small service that answers as it is told to.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::http::Response;

use super::*;
use crate::ConnectOptions;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unavailable,
    NoAnswer,
    /// An answer of the service: a status that says which call this was.
    Answer,
}

use Fate::{Answer, NoAnswer, Unavailable};

/// A service whose calls have these fates, and then the last one.
struct Service {
    endpoint: String,
    calls: Arc<AtomicUsize>,
}

impl Service {
    async fn start(fates: &'static [Fate]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let calls = Arc::clone(&counted);
                let answer =
                    service_fn(move |_| answer(fates, calls.fetch_add(1, Ordering::SeqCst)));
                let server = http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { endpoint, calls }
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::new(&self.endpoint, TIMEOUT)
    }

    fn call_count(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn answer(fates: &[Fate], call: usize) -> Result<Response<Body>, Infallible> {
    let status = match fates.get(call).or(fates.last()).unwrap() {
        Unavailable => Status::unavailable("restarting"),
        NoAnswer => std::future::pending().await,
        Answer => Status::not_found(format!("call {call}")),
    };
    Ok(status.into_http())
}

/// How a lookup ended.
async fn look_up(client: &Client) -> (Code, String) {
    let status = client.get(GetRequest::default()).await.unwrap_err();
    (status.code(), status.message().to_owned())
}

fn answer_of(call: usize) -> (Code, String) {
    (Code::NotFound, format!("call {call}"))
}

#[tokio::test]
async fn a_lookup_is_made_again_where_the_service_does_not_answer_it() {
    let service = Service::start(&[Unavailable, Unavailable, Answer]).await;
    let client = service.options().connect_lazy().unwrap();
    assert_eq!(look_up(&client).await, answer_of(2));
    assert_eq!(look_up(&client).await, answer_of(3), "an answer is an answer");
}

#[tokio::test]
async fn a_lookup_is_made_five_times_at_most_and_fifty_are_made_again_in_all() {
    let service = Service::start(&[Unavailable]).await;
    let client = service.options().connect_lazy().unwrap();
    let restarting = (Code::Unavailable, "restarting".to_owned());
    assert_eq!(look_up(&client).await, restarting);
    assert_eq!(service.call_count(), 5);
    while client.budget().take() {}
    assert_eq!(look_up(&client).await, restarting);
    assert_eq!(service.call_count(), 6);
}

#[tokio::test]
async fn a_slow_lookup_is_made_a_second_time_and_the_first_answer_counts() {
    let service = Service::start(&[NoAnswer, Answer]).await;
    let client = service.options().hedge_after(Duration::from_millis(5)).connect_lazy().unwrap();
    assert_eq!(look_up(&client).await, answer_of(1));
    assert_eq!(service.call_count(), 2);
}

#[tokio::test]
async fn a_second_lookup_that_fails_leaves_the_first_one() {
    let service = Service::start(&[NoAnswer, Unavailable]).await;
    let options = ConnectOptions::new(&service.endpoint, Duration::from_millis(300));
    let client = options.hedge_after(Duration::from_millis(5)).connect_lazy().unwrap();
    assert_eq!(look_up(&client).await.0, Code::DeadlineExceeded);
    assert_eq!(service.call_count(), 2);
}

#[tokio::test]
async fn a_lookup_ends_at_the_timeout_with_the_last_error() {
    let service = Service::start(&[Unavailable, NoAnswer]).await;
    let options = ConnectOptions::new(&service.endpoint, Duration::from_millis(500));
    let (code, _) = look_up(&options.connect_lazy().unwrap()).await;
    assert!(matches!(code, Code::Unavailable | Code::DeadlineExceeded), "{code}");
}
