//! The services: how a test connects to them, and when it has one to itself.

use std::env;
use std::time::Duration;

use millpond_client::{Client, ConnectOptions};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::{sleep, timeout};

/// For a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// Whose turn it is at the service under control.
static TURN: RwLock<()> = RwLock::const_new(());

/// A client of the service under control, which other tests use too.
pub(crate) async fn shared() -> (Client, RwLockReadGuard<'static, ()>) {
    let turn = TURN.read().await;
    (connect(PATIENCE), turn)
}

/// The same for a test that restarts or pauses the service: no other one uses it meanwhile.
pub(crate) async fn alone() -> (Client, RwLockWriteGuard<'static, ()>) {
    let turn = TURN.write().await;
    (connect(PATIENCE), turn)
}

/// A client of the service under control whose calls take so long at most.
pub(crate) fn connect(timeout: Duration) -> Client {
    options("MILLPOND_TEST_ENDPOINT", timeout).connect_balanced().unwrap()
}

/// How to connect to the service that a variable names.
pub(crate) fn options(name: &str, timeout: Duration) -> ConnectOptions {
    ConnectOptions::new(format!("http://{}", variable(name)), timeout)
}

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: tests/service/main.rs says who does"))
}

/// Waits until this holds.
pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it should hold in time");
}
