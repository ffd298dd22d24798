//! Lookups that are repeated where that helps: within their time, and within the client's budget.
//!
//! Lookups only read, so it does no harm if one is made twice.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Request, Status};

use crate::Client;
use crate::channel::AuthorizedChannel;
use crate::retry::is_lost;
use crate::v1::lookup_service_client::LookupServiceClient;
use crate::v1::{GetRequest, GetResponse};

/// The stub of one attempt.
pub(crate) type Lookup = LookupServiceClient<AuthorizedChannel>;

const MAX_ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Client {
    /// Looks up one key.
    ///
    /// A lookup that an instance cannot answer (UNAVAILABLE) is made again, up to five times and within
    /// the timeout, unless too many lookups failed before. With
    /// [`hedge_after`](crate::ConnectOptions::hedge_after) a slow one is made a second time.
    ///
    /// # Errors
    /// If the request is wrong, the table is not as fresh as the request demands, or no attempt
    /// succeeded.
    pub async fn get(&self, request: GetRequest) -> Result<GetResponse, Status> {
        let get = |mut lookup: Lookup, request| async move {
            Ok(lookup.get(request).await?.into_inner())
        };
        self.repeat(&request, get).await
    }

    /// Makes a lookup by as many attempts as it needs and may have.
    pub(crate) async fn repeat<M: Clone, T, F: Future<Output = Result<T, Status>>>(
        &self,
        message: &M,
        attempt: impl Fn(Lookup, Request<M>) -> F,
    ) -> Result<T, Status> {
        let end = Instant::now() + self.timeout();
        let once = || {
            let mut request = Request::new(message.clone());
            request.set_timeout(end.saturating_duration_since(Instant::now()));
            attempt(self.lookup(), request)
        };
        let mut last = Status::deadline_exceeded("no instance answered in time");
        let attempts = async {
            for number in 1.. {
                match self.hedged(&once).await {
                    Ok(answer) => {
                        self.budget().give();
                        return Ok(answer);
                    }
                    // The timer of the attempt may be the first to notice.
                    Err(status) if status.code() == Code::Cancelled && Instant::now() >= end => {
                        break;
                    }
                    Err(status) => last = status,
                }
                if number == MAX_ATTEMPTS || !is_lost(&last) || !self.budget().take() {
                    break;
                }
                sleep(pause(number)).await;
            }
            Err(())
        };
        match timeout_at(end, attempts).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(())) => Err(last),
            Err(_) => Err(self.fault().unwrap_or(last)),
        }
    }

    /// One attempt, and a second one beside it if that takes long.
    async fn hedged<T, F: Future<Output = Result<T, Status>>>(
        &self,
        once: &impl Fn() -> F,
    ) -> Result<T, Status> {
        let Some(delay) = self.hedge_after() else { return once().await };
        let mut first = pin!(once());
        tokio::select! {
            answer = &mut first => return answer,
            () = sleep(delay) => {}
        }
        if !self.budget().take() {
            return first.await;
        }
        let mut second = pin!(once());
        tokio::select! {
            answer = &mut first => match answer {
                Err(status) if is_lost(&status) => second.await,
                answer => answer,
            },
            answer = &mut second => match answer {
                Err(status) if is_lost(&status) => first.await,
                answer => answer,
            },
        }
    }
}

/// Up to twice as long after each attempt, and each caller another time, so that they do not all come at
/// once.
fn pause(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_PAUSE);
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests;
