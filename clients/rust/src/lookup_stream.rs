//! Many lookups at once, on one stream.
//!
//! ```text
//! get, get, get -> asks -> one call of StreamGet -> answers, by their tags -> each get
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::Client;
use crate::retry::is_lost;
use crate::v1::stream_get_response::Outcome;
use crate::v1::{GetRequest, GetResponse, LookupError, StreamGetRequest, StreamGetResponse};

/// Lookups that are under way at a time; others wait. The service ends a stream with 1,000 that are not
/// answered, and more than some hundred gain nothing.
const UNDER_WAY: usize = 500;
/// What the service's own errors name as their domain.
const DOMAIN: &str = "millpond";

/// Looks up keys on one stream: a lookup costs the service a fraction of a call.
///
/// Many tasks call [`get`](Self::get) at the same time. All of them ask one instance. When the stream ends,
/// the lookups that were not answered are made by calls of their own, and the next ones open another stream.
#[derive(Debug)]
pub struct LookupStream {
    client: Client,
    places: Semaphore,
    /// To the task of the stream that is open. The task ends when this is dropped.
    asks: Mutex<Option<mpsc::Sender<Ask>>>,
}

/// A lookup, and who waits for it.
#[derive(Debug)]
struct Ask {
    request: GetRequest,
    answer: oneshot::Sender<Result<GetResponse, Status>>,
}

impl Client {
    /// A stream for lookups. It is opened by the first one.
    pub fn lookup_stream(&self) -> LookupStream {
        let places = Semaphore::new(UNDER_WAY);
        LookupStream { client: self.clone(), places, asks: Mutex::default() }
    }
}

impl LookupStream {
    /// Looks up one key. A lookup that waits for positions is a call of its own, as others would wait behind
    /// it.
    ///
    /// # Errors
    /// As of [`Client::get`].
    pub async fn get(&self, request: GetRequest) -> Result<GetResponse, Status> {
        let waits =
            request.freshness.as_ref().is_some_and(|demand| !demand.min_positions.is_empty());
        if waits {
            return self.client.get(request).await;
        }
        let lookup = async {
            match self.ask(request.clone()).await {
                Err(status) if is_lost(&status) => self.client.get(request).await,
                answered => answered,
            }
        };
        let late = |_| Err(Status::deadline_exceeded("the lookup was not answered in time"));
        timeout(self.client.timeout(), lookup).await.unwrap_or_else(late)
    }

    async fn ask(&self, request: GetRequest) -> Result<GetResponse, Status> {
        let ended = || Status::unavailable("the stream of lookups ended");
        let _place = self.places.acquire().await.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        self.open().send(Ask { request, answer }).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// The stream that is open, or a new one.
    fn open(&self) -> mpsc::Sender<Ask> {
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        match &*asks {
            Some(open) if !open.is_closed() => open.clone(),
            _ => {
                let (open, to_ask) = mpsc::channel(UNDER_WAY);
                tokio::spawn(serve(self.client.clone(), to_ask));
                asks.insert(open).clone()
            }
        }
    }
}

/// Makes the lookups that come, until the stream ends or nobody asks any more.
async fn serve(client: Client, mut asks: mpsc::Receiver<Ask>) {
    let mut open = HashMap::new();
    let ended = make_lookups(&client, &mut asks, &mut open).await;
    asks.close();
    if let Err(status) = ended {
        while let Some(ask) = asks.recv().await {
            let _ = ask.answer.send(Err(status.clone()));
        }
        for (_, ask) in open {
            // One that has given up needs no answer.
            let _ = ask.answer.send(Err(status.clone()));
        }
    }
}

async fn make_lookups(
    client: &Client,
    asks: &mut mpsc::Receiver<Ask>,
    open: &mut HashMap<i64, Ask>,
) -> Result<(), Status> {
    let (requests, to_send) = mpsc::channel(UNDER_WAY);
    let mut answers: Option<Streaming<StreamGetResponse>> = None;
    let mut calling = Box::pin(async move {
        Ok::<_, Status>(
            client.lookup().stream_get(ReceiverStream::new(to_send)).await?.into_inner(),
        )
    });
    let mut heard = Instant::now();
    for tag in 0.. {
        let ask = loop {
            tokio::select! {
                called = &mut calling, if answers.is_none() => answers = Some(called?),
                answer = next(&mut answers) => {
                    finish(answer?, open)?;
                    heard = Instant::now();
                }
                ask = asks.recv() => break ask,
            }
        };
        let Some(ask) = ask else { return Ok(()) };
        if open.is_empty() {
            heard = Instant::now();
        } else if heard.elapsed() > client.timeout() {
            return Err(Status::unavailable("the stream of lookups is not answered"));
        }
        let get = Some(ask.request.clone());
        open.insert(tag, ask);
        match requests.try_send(StreamGetRequest { tag, get }) {
            Ok(()) => {}
            // Those who waited have given up, and the stream stands still or has ended.
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                return Err(Status::unavailable("the stream of lookups ended"));
            }
        }
    }
    Ok(())
}

async fn next(
    answers: &mut Option<Streaming<StreamGetResponse>>,
) -> Result<StreamGetResponse, Status> {
    match answers {
        Some(answers) => {
            let ended = || Status::unavailable("the service ended the stream of lookups");
            answers.message().await?.ok_or_else(ended)
        }
        None => std::future::pending().await,
    }
}

/// Gives an answer to the one who waits for it.
fn finish(response: StreamGetResponse, open: &mut HashMap<i64, Ask>) -> Result<(), Status> {
    let unexpected = |what: &str| Status::internal(format!("the service answers {what}"));
    let asked = open.remove(&response.tag);
    let ask = asked.ok_or_else(|| unexpected("what was not asked, or twice"))?;
    let answer = match response.outcome {
        Some(Outcome::Response(answer)) => Ok(answer),
        Some(Outcome::Error(error)) => Err(status(&error)),
        None => Err(unexpected("in a way that this client does not know")),
    };
    // One that has given up needs none.
    let _ = ask.answer.send(answer);
    Ok(())
}

/// The status that a `Get` would have ended with.
fn status(error: &LookupError) -> Status {
    let reason = error.reason().as_str_name();
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if let Some(delay) = error.retry_delay.and_then(|delay| Duration::try_from(delay).ok()) {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(Code::from_i32(error.code), error.message.clone(), details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::ErrorReason;

    #[test]
    fn an_error_of_one_lookup_has_its_reason_and_when_to_retry() {
        let retry_delay = Some(prost_types::Duration { seconds: 2, nanos: 0 });
        let (code, message) = (Code::ResourceExhausted.into(), "no room".to_owned());
        let reason = ErrorReason::BytePoolFull.into();
        let status = status(&LookupError { code, reason, message, retry_delay });
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "no room"));
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, ErrorReason::BytePoolFull.as_str_name());
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_answer_that_nobody_asked_for_ends_the_stream() {
        let response = StreamGetResponse { tag: 1, outcome: None };
        assert_eq!(finish(response, &mut HashMap::new()).unwrap_err().code(), Code::Internal);
    }
}
