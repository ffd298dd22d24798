//! A real Apache Kafka for tests and benchmarks: one node that all tests of a process share, or a
//! node for a single test, which may stop and restart it.
//!
//! Owns the choice: use a broker that is given, start one, or skip the test. Knows nothing of
//! millpond and hands out only an address.

mod distribution;
mod node;
mod probe;
mod secure;

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use distribution::Distribution;
pub use node::KafkaNode;
pub use secure::SecureKafka;

use crate::require;

/// Names a running broker, as `host:port`, to use instead of starting a node.
const GIVEN_BROKER: &str = "MILLPOND_TEST_KAFKA";
/// A given broker is expected to run already.
const GIVEN_BROKER_PATIENCE: Duration = Duration::from_secs(10);

/// The address (`host:port`) of the broker that all tests of this process share: the one that
/// `MILLPOND_TEST_KAFKA` names, or a node that the first call starts and that ends with the
/// process. Returns None if there can be no node, and has then printed that `test` is skipped: the
/// caller returns.
///
/// # Panics
/// If a given broker does not answer or a node does not start. Also instead of skipping, if
/// `MILLPOND_REQUIRE_ALL` is 1.
pub fn require(test: &str) -> Option<&'static str> {
    static SHARED: OnceLock<KafkaNode> = OnceLock::new();
    if let Some(given) = given_broker() {
        return Some(given);
    }
    let distribution = installed(test)?;
    Some(SHARED.get_or_init(|| start(distribution)).bootstrap())
}

/// A node for `test` alone, to stop, kill and restart. None as for [`require()`], and also if
/// `MILLPOND_TEST_KAFKA` names a broker, since a given broker must not be stopped.
///
/// # Panics
/// If the node does not start, and instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
pub fn require_own(test: &str) -> Option<KafkaNode> {
    if let Ok(given) = env::var(GIVEN_BROKER) {
        let why = format!("{GIVEN_BROKER} names {given}, which is not ours to stop: unset it");
        skip(test, &why);
        return None;
    }
    installed(test).map(start)
}

/// A node for `test` alone, with listeners that speak TLS and SASL. None as for [`require_own`].
///
/// # Panics
/// As [`require_own`].
pub fn require_secure(test: &str) -> Option<SecureKafka> {
    let distribution = installed(test)?;
    let started = SecureKafka::start(distribution);
    Some(
        started
            .unwrap_or_else(|error| fail(&format!("no secure node could be started: {error:#}"))),
    )
}

fn given_broker() -> Option<&'static str> {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    let given = GIVEN.get_or_init(|| {
        let given = env::var(GIVEN_BROKER).ok()?;
        let answered = probe::wait_until_ready(&given, GIVEN_BROKER_PATIENCE, || Ok(()));
        answered.unwrap_or_else(|error| fail(&format!("{GIVEN_BROKER}={given}: {error:#}")));
        Some(given)
    });
    given.as_deref()
}

fn installed(test: &str) -> Option<&'static Distribution> {
    static DISTRIBUTION: OnceLock<Result<Distribution, String>> = OnceLock::new();
    let found = DISTRIBUTION
        .get_or_init(|| Distribution::find_or_fetch().map_err(|error| format!("{error:#}")));
    match found {
        Ok(distribution) => Some(distribution),
        Err(why) => {
            skip(test, why);
            None
        }
    }
}

fn start(distribution: &'static Distribution) -> KafkaNode {
    KafkaNode::start(distribution)
        .unwrap_or_else(|error| fail(&format!("no kafka node could be started: {error:#}")))
}

fn skip(test: &str, why: &str) {
    let cure = format!(
        "install Java 17 or later and Maven (which needs a network once), or name a running broker \
         in {GIVEN_BROKER}=host:port"
    );
    require::skip(test, "a kafka broker", why, &cure);
}

fn fail(why: &str) -> ! {
    panic!("{why}")
}
