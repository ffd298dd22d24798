//! Requests in all the shapes that a peer can give them: what is read, refused and charged.

use std::collections::VecDeque;
use std::io::Write as _;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::Frame;
use tonic_types::StatusExt as _;

use super::*;
use crate::rpc::pool::{BytePool, FREE_BYTES, Purpose};

const LIMIT: usize = 64 << 10;

/// Gives these frames and then ends, or is silent.
struct Frames {
    left: VecDeque<Bytes>,
    is_silent: bool,
    /// Whether the last frame says that it is the last.
    is_marked: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.left.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(Frame::data(frame)))),
            None if self.is_silent => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_marked && self.left.is_empty()
    }
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], length.as_slice(), message].concat()
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(message).unwrap();
    encoder.finish().unwrap()
}

/// A body of these bytes, in frames of this size.
fn frames(bytes: &[u8], frame_bytes: usize) -> Frames {
    let left = bytes.chunks(frame_bytes).map(Bytes::copy_from_slice).collect();
    Frames { left, is_silent: false, is_marked: true }
}

/// A pool of which one connection may hold 64 KiB for requests.
fn pool() -> BytePool {
    BytePool::new(1 << 20)
}

fn reader(
    pool: &BytePool,
    body: Frames,
    encoding: Encoding,
    time: Duration,
) -> RequestReader<Frames> {
    let permit = pool.connect().new_permit(Purpose::Request);
    RequestReader::new(body, encoding, LIMIT, Instant::now() + time, permit)
}

const MINUTE: Duration = Duration::from_secs(60);

async fn read(body: Frames, encoding: Encoding) -> Result<RequestMessage, Status> {
    reader(&pool(), body, encoding, MINUTE).read_only().await
}

async fn refusal(body: Frames, encoding: Encoding) -> (Code, String) {
    let status = read(body, encoding).await.unwrap_err();
    (status.code(), status.get_details_error_info().unwrap().reason)
}

#[tokio::test]
async fn a_message_is_read_however_it_is_cut_into_frames() {
    let message: Vec<u8> = (0..50_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    for (message, frame_bytes) in
        [(&message[..0], 5), (&message[..300], 1), (&message, 7), (&message, 16_384)]
    {
        let bytes = framed(0, message);
        let read_message = read(frames(&bytes, frame_bytes), Encoding::Identity).await.unwrap();
        assert!(read_message.bytes == message, "in frames of {frame_bytes}");
    }
    let whole = read(frames(&framed(0, &message), 1 << 20), Encoding::Identity).await.unwrap();
    assert!(whole.bytes == message);
    assert_eq!(whole.permit.held_bytes(), 0, "a request in one frame is not copied");
}

#[tokio::test]
async fn empty_frames_change_nothing() {
    let mut body = frames(&framed(0, b"a message"), 3);
    body.is_marked = false;
    let gaps = body.left.drain(..).flat_map(|frame| [Bytes::new(), frame, Bytes::new()]);
    body.left = gaps.collect();
    assert_eq!(read(body, Encoding::Identity).await.unwrap().bytes, "a message");
}

#[tokio::test]
async fn a_request_holds_what_has_come_and_not_what_is_announced() {
    let pool = pool();
    let announced = [&[0], 60_000_u32.to_be_bytes().as_slice()].concat();
    for (come_bytes, most_held) in [(0, 0), (3_000, 0), (10_000, 20_000), (40_000, 60_005)] {
        let mut body = frames(&[announced.as_slice(), &vec![0; come_bytes]].concat(), 1_000);
        body.is_silent = true;
        let mut reading = Box::pin(reader(&pool, body, Encoding::Identity, MINUTE).read_only());
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let held_bytes = usize::try_from(pool.stats().held_bytes).unwrap();
        assert!(held_bytes <= most_held, "{held_bytes} B for {come_bytes} B");
        assert!(held_bytes >= come_bytes || come_bytes <= FREE_BYTES);
        drop(reading);
        assert_eq!(pool.stats().held_bytes, 0, "a call that is cancelled holds nothing");
    }
}

#[tokio::test]
async fn a_request_over_its_limit_is_refused_at_its_head() {
    let mut body = frames(&[0, 0x7f, 0xff, 0xff, 0xff], 5);
    body.is_silent = true;
    let (code, reason) = refusal(body, Encoding::Identity).await;
    assert_eq!(code, Code::ResourceExhausted);
    assert_eq!(reason, "ERROR_REASON_REQUEST_TOO_LARGE");
}

#[tokio::test]
async fn a_half_sent_request_ends_in_time_and_gives_its_bytes_back() {
    let pool = pool();
    let half = &framed(0, &vec![0; 20_000])[..10_000];
    let mut body = frames(half, 1_000);
    body.is_silent = true;
    let short = Duration::from_millis(20);
    let reading = reader(&pool, body, Encoding::Identity, short).read_only();
    let status = reading.await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.get_details_error_info().unwrap().reason, "ERROR_REASON_REQUEST_LATE");
    assert_eq!(pool.stats().held_bytes, 0);
}

#[tokio::test]
async fn a_large_half_sent_request_is_shed_when_memory_is_short() {
    let pool = pool();
    let mut half = frames(&framed(0, &vec![0; 20_000])[..10_000], 1_000);
    half.is_silent = true;
    let mut reading = Box::pin(reader(&pool, half, Encoding::Identity, MINUTE).read_only());
    let mut read_on = || reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(read_on().is_pending());
    pool.shed(1);
    let Poll::Ready(Err(status)) = read_on() else { panic!("it waits on") };
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn requests_that_find_no_room_are_refused() {
    let pool = pool();
    let share = pool.connect();
    let mut held = share.new_permit(Purpose::Request);
    held.grow_to(60 << 10).unwrap();
    let permit = share.new_permit(Purpose::Request);
    let body = frames(&framed(0, &vec![0; 20_000]), 1_000);
    let end = Instant::now() + MINUTE;
    let reader = RequestReader::new(body, Encoding::Identity, LIMIT, end, permit);
    let status = reader.read_only().await.unwrap_err();
    assert_eq!(status.get_details_error_info().unwrap().reason, "ERROR_REASON_BYTE_POOL_FULL");
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test]
async fn what_is_no_single_message_is_refused_as_grpc_says() {
    let two = [framed(0, b"one"), framed(0, b"two")].concat();
    let cut = &framed(0, b"a message")[..9];
    for frame_bytes in [1, 4, 100] {
        for (bytes, code) in [
            (b"".as_slice(), Code::Unimplemented),
            (&two, Code::Unimplemented),
            (&two[..10], Code::Unimplemented),
            (cut, Code::Internal),
            (&cut[..3], Code::Internal),
            (&framed(1, b"flagged"), Code::Internal),
            (&framed(2, b"flagged"), Code::Internal),
        ] {
            let (found, reason) = refusal(frames(bytes, frame_bytes), Encoding::Identity).await;
            assert_eq!((found, reason.as_str()), (code, "ERROR_REASON_MALFORMED_REQUEST"));
        }
    }
}

#[tokio::test]
async fn a_message_in_gzip_is_unfolded_and_charged_as_it_unfolds() {
    let message = vec![b'x'; 30_000];
    for frame_bytes in [1, 1 << 20] {
        let bytes = framed(1, &gzip(&message));
        let unfolded = read(frames(&bytes, frame_bytes), Encoding::Gzip).await.unwrap();
        assert!(unfolded.bytes == message);
        assert!(unfolded.permit.held_bytes() >= message.len());
    }
    // A caller need not compress each message.
    let plain = read(frames(&framed(0, b"plain"), 100), Encoding::Gzip).await.unwrap();
    assert_eq!(plain.bytes, "plain");
}

#[tokio::test]
async fn gzip_that_unfolds_too_far_or_is_cut_is_refused() {
    let bomb = framed(1, &gzip(&vec![0; 16 << 20]));
    let (code, reason) = refusal(frames(&bomb, 1 << 20), Encoding::Gzip).await;
    assert_eq!(
        (code, reason.as_str()),
        (Code::ResourceExhausted, "ERROR_REASON_REQUEST_TOO_LARGE")
    );
    let folded = gzip(b"a message");
    let (code, _) =
        refusal(frames(&framed(1, &folded[..folded.len() - 1]), 100), Encoding::Gzip).await;
    assert_eq!(code, Code::Internal);
}

#[tokio::test]
async fn a_stream_of_messages_is_read_one_by_one_and_may_be_silent_between_them() {
    let bytes = [framed(0, b"one"), framed(0, b""), framed(0, b"three")].concat();
    for frame_bytes in [1, 6, 100] {
        let mut body = frames(&bytes, frame_bytes);
        body.is_silent = true;
        let mut reader = reader(&pool(), body, Encoding::Identity, Duration::ZERO);
        reader.wait_for_ever();
        for expected in ["one", "", "three"] {
            assert_eq!(reader.next().await.unwrap().unwrap(), expected);
        }
        let mut silent = Box::pin(reader.next());
        assert!(silent.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
