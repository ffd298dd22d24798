//! The socket of a connection, read a little at a time.
//!
//! h2 reads until a socket has no more, and keeps each frame that it read with some hundred bytes
//! of its own until a stream takes it. So a turn of the connection reads some KiB, then its streams
//! take what came, and then it is the turn of the others. A peer whose calls come to nothing, because
//! it cancels them or they are refused, is read more slowly. This file counts bytes too: whether a
//! peer still reads, and whether it has set up its connection. With TLS it counts what is inside.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::frame_heads::FrameHeads;
use super::socket::Socket;

/// The most that one turn reads: some eighty small requests.
const TURN_BYTES: usize = 8 << 10;
/// The small frames of data that one turn reads. h2 ends a connection in which about 134 of them wait
/// to be taken, and it takes all that is read for them before a stream has its turn.
const TURN_SMALL_FRAMES: usize = 100;
/// A small frame with a lookup in it has at least so many bytes. Thus a turn knows how much it can
/// read before it sees what comes.
const SMALL_FRAME_BYTES: usize = 28;

/// The most that a peer may send before it acknowledges our settings: a full window of data, with
/// its frames' heads, and some requests' headers. Until then h2 goes by HTTP/2's own limits.
const MAX_SET_UP_BYTES: usize = 96 << 10;

/// The calls of a connection that may come to nothing in one interval. Further ones wait for the
/// next interval, with all that the peer sends after them.
const MAX_FUTILE: u32 = 1_000;
/// A call that is refused counts so often: to send it again at once is of no use.
const REFUSED: u32 = 10;
const INTERVAL: Duration = Duration::from_secs(1);

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Transport {
    socket: Socket,
    interval_end: Instant,
    /// Set while the peer is not read.
    pause: Option<Pin<Box<Sleep>>>,
    heads: FrameHeads,
    /// What the peer has sent to set up its connection.
    set_up_bytes: usize,
    meter: Arc<Meter>,
}

/// What went over a socket.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// What this turn may still read.
    left_bytes: AtomicUsize,
    left_small_frames: AtomicUsize,
    written_bytes: AtomicU64,
    is_set_up: AtomicBool,
    /// Calls of this interval that came to nothing.
    futile: AtomicU32,
}

impl Meter {
    /// Begins the next turn.
    pub(super) fn begin_turn(&self) {
        self.left_bytes.store(TURN_BYTES, Ordering::Relaxed);
        self.left_small_frames.store(TURN_SMALL_FRAMES, Ordering::Relaxed);
    }

    /// How much the next read of this turn may take.
    fn room(&self) -> usize {
        let small_frames = self.left_small_frames.load(Ordering::Relaxed);
        self.left_bytes.load(Ordering::Relaxed).min(small_frames * SMALL_FRAME_BYTES)
    }

    /// Takes what was read off what this turn may still read. Only the connection's own task does so.
    fn count_read(&self, bytes: usize, small_frames: usize) {
        for (left, read) in [(&self.left_bytes, bytes), (&self.left_small_frames, small_frames)] {
            left.store(left.load(Ordering::Relaxed).saturating_sub(read), Ordering::Relaxed);
        }
    }

    /// A call was refused for want of room.
    pub(super) fn count_refused(&self) {
        self.futile.fetch_add(REFUSED, Ordering::Relaxed);
    }

    /// A call ended before it was answered.
    pub(super) fn count_cancelled(&self) {
        self.futile.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn mark_set_up(&self) {
        self.is_set_up.store(true, Ordering::Relaxed);
    }

    /// Whether the peer has set up its connection.
    pub(super) fn is_set_up(&self) -> bool {
        self.is_set_up.load(Ordering::Relaxed)
    }

    /// What the peer has been sent, so that one who reads can be told from one who does not.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }
}

impl Transport {
    pub(super) fn new(socket: Socket, meter: Arc<Meter>) -> Self {
        let interval_end = Instant::now() + INTERVAL;
        let heads = FrameHeads::new();
        Self { socket, interval_end, pause: None, heads, set_up_bytes: 0, meter }
    }

    /// Ready when the peer may be read.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pause.is_none() {
            if self.meter.futile.load(Ordering::Relaxed) < MAX_FUTILE {
                return Poll::Ready(());
            }
            self.pause = Some(Box::pin(sleep_until(self.interval_end)));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
        }
        self.pause = None;
        self.interval_end = Instant::now() + INTERVAL;
        self.meter.futile.store(0, Ordering::Relaxed);
        Poll::Ready(())
    }

    fn observe_read(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut rest, mut small_frames) = (bytes, 0);
        while let Some(head) = self.heads.next(&mut rest) {
            small_frames += usize::from(head.is_small_data());
            if head.acknowledges_settings() {
                self.meter.mark_set_up();
            }
        }
        self.meter.count_read(bytes.len(), small_frames);
        if self.meter.is_set_up() {
            return Ok(());
        }
        self.set_up_bytes += bytes.len();
        if self.set_up_bytes > MAX_SET_UP_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "no settings were acknowledged",
            ));
        }
        Ok(())
    }

    fn observe_write(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.written_bytes.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = self.meter.room();
        if room == 0 {
            // There may be more: the connection asks for another turn.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_pause(cx));
        let room = room.min(buffer.remaining());
        let mut turn = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut turn))?;
        let observed = self.observe_read(turn.filled());
        let read = turn.filled().len();
        buffer.advance(read);
        Poll::Ready(observed)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.observe_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.observe_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
