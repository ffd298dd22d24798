//! What a stream holds while its caller reads, and how it ends.

use futures_util::{StreamExt as _, stream};
use http_body::Body as _;
use tonic_types::StatusExt as _;

use super::*;
use crate::rpc::pool::{BytePool, Purpose};
use crate::rpc::response::{ResponseBuffer, fill};
use crate::stats::ShedCause;

const MINUTE: Duration = Duration::from_secs(60);

fn held_kib(pool: &BytePool) -> u64 {
    pool.stats().held_bytes >> 10
}

fn message(pool: &BytePool, kib: usize) -> FinishedResponse {
    let mut buffer = ResponseBuffer::new(pool.connect().new_permit(Purpose::Statistics));
    fill(&mut buffer, kib);
    buffer.finish().unwrap()
}

/// An answer with messages of these sizes, each made when it is taken.
fn body(pool: &BytePool, sizes: &'static [usize], send_time: Duration) -> StreamBody {
    let pool = pool.clone();
    let messages = stream::iter(sizes).map(move |kib| Ok(message(&pool, *kib)));
    StreamBody::new(Box::pin(messages), send_time)
}

async fn next_frame(body: &mut StreamBody) -> Option<Result<Frame<Bytes>, Status>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

async fn next_data(body: &mut StreamBody) -> Bytes {
    next_frame(body).await.unwrap().unwrap().into_data().unwrap()
}

async fn last_status(body: &mut StreamBody) -> Status {
    let trailers = next_frame(body).await.unwrap().unwrap().into_trailers().unwrap();
    assert!(body.is_end_stream() && next_frame(body).await.is_none());
    Status::from_header_map(&trailers).unwrap()
}

#[tokio::test]
async fn the_next_message_is_made_when_the_one_before_was_taken() {
    let pool = BytePool::new(1 << 20);
    let mut body = body(&pool, &[8, 12], MINUTE);
    assert_eq!(held_kib(&pool), 0, "nothing was asked for");
    let first = next_data(&mut body).await;
    assert_eq!((first.len(), held_kib(&pool)), (4 << 10, 4), "the second is not there yet");
    drop(first);
    drop(next_data(&mut body).await);
    assert_eq!(held_kib(&pool), 0);
    for left_kib in [8, 4, 0] {
        drop(next_data(&mut body).await);
        assert_eq!(held_kib(&pool), left_kib);
    }
    assert_eq!(last_status(&mut body).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_message_that_is_not_read_in_time_is_dropped_and_the_stream_reset() {
    let pool = BytePool::new(1 << 20);
    let mut body = body(&pool, &[40, 4], Duration::from_millis(50));
    let in_hand = next_data(&mut body).await;
    while held_kib(&pool) > 0 {
        tokio::task::yield_now().await;
    }
    let reset = next_frame(&mut body).await.unwrap().unwrap_err();
    assert_eq!(reset.code(), Code::DeadlineExceeded);
    assert!(body.is_end_stream());
    drop(in_hand);
    assert_eq!(held_kib(&pool), 0);
    assert!(pool.stats().shed_calls.contains(&(ShedCause::AnswerLate, 1)));
}

#[tokio::test]
async fn an_error_of_the_messages_is_the_status_of_the_stream() {
    let pool = BytePool::new(1 << 20);
    let first = message(&pool, 4);
    let messages = stream::iter([Ok(first), Err(errors::draining())]);
    let mut body = StreamBody::new(Box::pin(messages), MINUTE);
    next_data(&mut body).await;
    let status = last_status(&mut body).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}
