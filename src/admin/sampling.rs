//! Feeds the history: a snapshot each second.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::scrapes::Scrapes;
use crate::history::History;

/// Feeds the history until it is dropped. A second that was missed stays empty.
pub(super) async fn sample(scrapes: Scrapes, history: Option<Arc<History>>) -> Infallible {
    let Some(history) = history else { return pending().await };
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = seconds.tick().await;
    let mut now = began;
    loop {
        let snapshot = scrapes.current().await;
        // A tick is a whole number of seconds after the first, and half a second allows for rounding.
        let second = (now - began + Duration::from_millis(500)).as_secs();
        history.observe(second, &snapshot);
        now = seconds.tick().await;
    }
}
