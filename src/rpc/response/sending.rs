//! Sends one message in pieces, for as long as that may take.
//!
//! What is not sent yet can be dropped at any moment, even if the transport never asks for another
//! piece: by a timer when the time to send is over, and by the pool when memory is short or when
//! another answer waits for its room.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use prost::bytes::Bytes;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use super::buffer::FinishedResponse;
use super::in_transport::InTransport;
use crate::rpc::pool::{AnswerEntry, ConnectionShare, UnsentAnswer};
use crate::stats::ShedCause;

/// The time that a caller has for this many bytes before it counts as stalled. Half a megabit a
/// second is less than any link has between services.
const BYTES_A_SECOND: f64 = 65_536.0;
/// The longest pause of a caller that reads, however much it has read before.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The same where callers of the same peer did not read. They wait for each other.
const MAX_PAUSE_OF_SLOW_PEER: Duration = Duration::from_millis(250);

/// A message that is being sent.
pub(in crate::rpc) struct Sending {
    unsent: Arc<Unsent>,
    has_begun: bool,
    /// Only a message that holds bytes of the pool has an end of sending, and is found to be dropped.
    _held: Option<(Pin<Box<Unconstrained<Sleep>>>, AnswerEntry)>,
}

/// What the transport has not taken yet.
#[derive(Debug)]
struct Unsent {
    state: Mutex<State>,
    share: ConnectionShare,
    in_transport: Option<Arc<InTransport>>,
}

#[derive(Debug)]
struct State {
    /// The rest, or why it was dropped.
    rest: Result<FinishedResponse, ShedCause>,
    /// When the caller is stalled, if it takes no piece until then. None if nobody waits for it.
    stalled_at: Option<Instant>,
    max_pause: Duration,
}

impl Sending {
    /// Begins to send. The message is dropped at the end of sending if it holds bytes of the pool.
    pub(in crate::rpc) fn new(
        response: FinishedResponse,
        send_end: impl FnOnce() -> Instant,
    ) -> Self {
        let holds_bytes = response.permit().held_bytes() > 0;
        let share = response.permit().share().clone();
        let in_transport = response.in_transport().cloned();
        let is_slow = response.permit().is_of_slow_peer();
        let max_pause = if is_slow { MAX_PAUSE_OF_SLOW_PEER } else { MAX_PAUSE };
        let stalled_at = holds_bytes.then(|| Instant::now() + max_pause);
        let state = Mutex::new(State { rest: Ok(response), stalled_at, max_pause });
        let unsent = Arc::new(Unsent { state, share, in_transport });
        let held = holds_bytes.then(|| {
            let timer = start_timer(Arc::clone(&unsent), send_end());
            (timer, unsent.share.list_answer(&unsent))
        });
        Self { unsent, has_begun: false, _held: held }
    }

    /// The next piece. None after the last.
    ///
    /// # Errors
    ///
    /// The rest was dropped, for this cause.
    pub(in crate::rpc) fn next_piece(&mut self) -> Result<Option<Bytes>, ShedCause> {
        let mut state = self.unsent.state.lock();
        let State { rest, stalled_at, max_pause } = &mut *state;
        let piece = rest.as_mut().map_err(|cause| *cause)?.next_piece();
        if let (Some(piece), Some(stalled_at)) = (&piece, stalled_at) {
            *stalled_at = extended(*stalled_at, piece.len(), Instant::now(), *max_pause);
        }
        self.has_begun |= piece.is_some();
        Ok(piece)
    }

    /// Whether a part of it was handed out. Its caller then waits for the rest, and for nothing else.
    pub(in crate::rpc) fn has_begun(&self) -> bool {
        self.has_begun
    }
}

/// Each piece gives its caller the time that it takes a slow link.
fn extended(stalled_at: Instant, piece_bytes: usize, now: Instant, max_pause: Duration) -> Instant {
    #[expect(clippy::cast_precision_loss, reason = "a piece has some KiB")]
    let more = Duration::from_secs_f64(piece_bytes as f64 / BYTES_A_SECOND);
    (stalled_at.max(now) + more).min(now + max_pause)
}

/// The timer wakes the message itself. A task for each would cost more than most messages do.
fn start_timer(unsent: Arc<Unsent>, end: Instant) -> Pin<Box<Unconstrained<Sleep>>> {
    // Unconstrained: otherwise tokio's budget for a task could wake it before its time.
    let mut timer = Box::pin(unconstrained(sleep_until(end)));
    let waker = Waker::from(unsent);
    if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
        waker.wake();
    }
    timer
}

impl Wake for Unsent {
    fn wake(self: Arc<Self>) {
        self.drop_rest(ShedCause::AnswerLate);
    }
}

impl UnsentAnswer for Unsent {
    fn held_bytes(&self) -> usize {
        self.state.lock().rest.as_ref().map_or(0, |response| response.permit().held_bytes())
    }

    fn is_stalled(&self) -> bool {
        self.state.lock().stalled_at.is_some_and(|end| end <= Instant::now())
    }

    fn drop_rest(&self, cause: ShedCause) {
        // Dropped after the lock is released.
        let rest = std::mem::replace(&mut self.state.lock().rest, Err(cause));
        if rest.is_ok() {
            self.share.count_shed(cause);
        }
    }

    fn is_in_transport(&self) -> bool {
        self.in_transport.as_ref().is_some_and(|pieces| pieces.holds_bytes())
    }

    fn close_connection(&self) {
        self.share.close();
    }

    fn peer(&self) -> IpAddr {
        self.share.peer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE_BYTES: usize = 4 << 10;

    #[test]
    fn a_caller_that_reads_slowly_but_steadily_is_never_stalled() {
        let mut now = Instant::now();
        let mut stalled_at = now + MAX_PAUSE;
        for _ in 0..100 {
            now += Duration::from_micros(62_500);
            assert!(stalled_at >= now);
            stalled_at = extended(stalled_at, PIECE_BYTES, now, MAX_PAUSE);
        }
    }

    #[test]
    fn a_caller_that_read_much_may_pause_no_longer_and_one_piece_after_a_pause_is_little() {
        let now = Instant::now();
        let much = (0..1_000).fold(now, |at, _| extended(at, PIECE_BYTES, now, MAX_PAUSE));
        assert_eq!(much, now + MAX_PAUSE);
        let later = now + 2 * MAX_PAUSE;
        assert_eq!(
            extended(much, PIECE_BYTES, later, MAX_PAUSE),
            later + Duration::from_micros(62_500)
        );
    }
}
