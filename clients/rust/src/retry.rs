//! When a stream that broke off is opened again, and how long to wait before.

use std::time::Duration;

use tonic::{Code, Status};

/// Attempts without a message in between, before the error is the caller's.
const MAX_ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Counts the attempts since the last message.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    /// Notes that a message came.
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    ///
    /// With this status, if there were enough attempts.
    pub(crate) async fn pause(&mut self, status: Status) -> Result<(), Status> {
        if self.0 + 1 >= MAX_ATTEMPTS {
            return Err(status);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.0.min(16)).min(LONGEST_PAUSE);
        self.0 += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Whether another attempt at a stream may succeed: the service is stopping, restarting or busy, or the
/// connection was lost.
pub(crate) fn is_worth_another_attempt(status: &Status) -> bool {
    is_lost(status) || status.code() == Code::ResourceExhausted
}

/// Whether the service did not answer: it is stopping or restarting, or the connection was lost.
pub(crate) fn is_lost(status: &Status) -> bool {
    let is_broken = status.code() == Code::Unknown && std::error::Error::source(status).is_some();
    is_broken || status.code() == Code::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_end_unless_messages_come_in_between() {
        let mut attempts = Attempts::default();
        for _ in 0..3 {
            for _ in 1..MAX_ATTEMPTS {
                attempts.pause(Status::unavailable("gone")).await.unwrap();
            }
            assert_eq!(
                attempts.pause(Status::unavailable("gone")).await.unwrap_err().code(),
                Code::Unavailable
            );
            attempts.reset();
        }
    }

    #[test]
    fn what_a_caller_did_wrong_is_not_tried_again() {
        assert!(is_worth_another_attempt(&Status::unavailable("")));
        for code in [Code::InvalidArgument, Code::NotFound, Code::DeadlineExceeded, Code::Unknown] {
            assert!(!is_worth_another_attempt(&Status::new(code, "")), "{code}");
        }
    }
}
