//! When the bytes of an answer are given back, and what its caller learns.

use std::time::Duration;

use http_body::Body as _;
use tonic_types::StatusExt as _;

use super::*;
use crate::rpc::pool::{BytePool, Purpose};
use crate::rpc::response::{ResponseBuffer, fill};
use crate::stats::ShedCause;

fn pool() -> BytePool {
    BytePool::new(1 << 20)
}

fn held_kib(pool: &BytePool) -> u64 {
    pool.stats().held_bytes >> 10
}

/// An answer of this size, as the transport gets it.
fn body(pool: &BytePool, kib: usize, time: Duration) -> ResponseBody {
    let mut buffer = ResponseBuffer::new(pool.connect().new_permit(Purpose::Answer));
    fill(&mut buffer, kib);
    ResponseBody::new(buffer.finish().unwrap(), || Instant::now() + time)
}

const MINUTE: Duration = Duration::from_secs(60);

async fn next_frame(body: &mut ResponseBody) -> Option<Result<Frame<Bytes>, Status>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

async fn next_data(body: &mut ResponseBody) -> Bytes {
    next_frame(body).await.unwrap().unwrap().into_data().unwrap()
}

async fn next_trailers(body: &mut ResponseBody) -> HeaderMap {
    next_frame(body).await.unwrap().unwrap().into_trailers().unwrap()
}

#[tokio::test]
async fn pieces_give_their_bytes_back_one_by_one_and_the_last_one_in_hand_holds_none() {
    let pool = pool();
    let mut body = body(&pool, 20, MINUTE);
    let first = next_data(&mut body).await;
    assert_eq!((first.len(), held_kib(&pool)), (4 << 10, 16), "it is alone");
    let mut second = next_data(&mut body).await;
    let third = next_data(&mut body).await;
    assert_eq!(held_kib(&pool), 16, "two of three");
    drop(first);
    assert_eq!(held_kib(&pool), 12);
    let last = second.split_off(5);
    drop(second);
    assert_eq!(held_kib(&pool), 12, "a part of the second piece is still held");
    drop(last);
    assert_eq!(held_kib(&pool), 8, "the third is alone");
    for _ in 3..5 {
        next_data(&mut body).await;
    }
    drop(third);
    assert_eq!(held_kib(&pool), 0);
    assert_eq!(next_trailers(&mut body).await["grpc-status"], "0");
    assert!(body.is_end_stream() && next_frame(&mut body).await.is_none());
}

#[tokio::test]
async fn a_body_that_is_never_read_gives_its_bytes_back() {
    let pool = pool();
    drop(body(&pool, 40, MINUTE));
    assert_eq!(held_kib(&pool), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_read_in_time_is_dropped_and_its_stream_reset() {
    let pool = pool();
    let mut body = body(&pool, 40, Duration::from_millis(50));
    let in_hand = next_data(&mut body).await;
    while held_kib(&pool) > 0 {
        tokio::task::yield_now().await;
    }
    let reset = next_frame(&mut body).await.unwrap().unwrap_err();
    assert_eq!(reset.code(), Code::DeadlineExceeded);
    assert!(body.is_end_stream());
    drop(in_hand);
    assert_eq!(held_kib(&pool), 0);
}

#[tokio::test]
async fn an_answer_that_is_shed_before_it_began_says_why() {
    let pool = pool();
    let mut body = body(&pool, 40, MINUTE);
    assert_eq!(pool.shed(1), 40 << 10);
    let trailers = next_trailers(&mut body).await;
    let status = Status::from_header_map(&trailers).unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    assert!(pool.stats().shed_calls.contains(&(ShedCause::MemoryShort, 1)));
}

#[tokio::test]
async fn a_small_answer_is_not_shed() {
    let pool = pool();
    let mut body = body(&pool, 4, MINUTE);
    assert_eq!(pool.shed(1 << 20), 0);
    assert_eq!(next_data(&mut body).await.len(), 4 << 10);
    assert_eq!(next_trailers(&mut body).await["grpc-status"], "0");
}
