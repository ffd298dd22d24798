//! Measures the time of one call.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The time of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc) struct Spent {
    /// How long its thread worked on it.
    pub(in crate::rpc) busy: Duration,
    /// From its beginning to its end.
    pub(in crate::rpc) elapsed: Duration,
}

/// The result of this work, and the time that it took.
///
/// The work is pinned by the caller: here it would take its size twice.
pub(in crate::rpc) async fn measured<T>(mut work: Pin<&mut impl Future<Output = T>>) -> (T, Spent) {
    let mut began = None;
    let mut busy = Duration::ZERO;
    poll_fn(|cx| {
        let resumed = Instant::now();
        let began = *began.get_or_insert(resumed);
        let polled = work.as_mut().poll(cx);
        let now = Instant::now();
        busy += now - resumed;
        match polled {
            Poll::Ready(result) => Poll::Ready((result, Spent { busy, elapsed: now - began })),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_wait_takes_time_but_no_work() {
        let wait = Duration::from_millis(5);
        let ((), spent) = measured(pin!(tokio::time::sleep(wait))).await;
        assert!(spent.elapsed >= wait && spent.busy < spent.elapsed, "{spent:?}");
    }
}
