//! How many threads librdkafka starts for a client.

use std::io;

use crate::config::Config;
use crate::threads;

/// Its main thread, and one each for questions to itself and to a group coordinator. Each broker
/// that is listed has one more.
const OF_A_CLIENT: usize = 3;

/// Tries out the threads of one client.
///
/// # Errors
///
/// When the system does not give them.
pub fn try_out_client_threads(config: &Config) -> io::Result<()> {
    threads::try_out(OF_A_CLIENT + config.kafka.brokers.split(',').count())
}
