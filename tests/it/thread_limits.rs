//! A system that gives few threads: the service starts and ends, or says what it lacks.

use millpond_acceptance::served::Served;
use millpond_acceptance::thread_limit::ThreadLimit;

use crate::support::service::{table, with_basics};

/// More than a service needs that reaches no broker.
const MOST_THREADS: u32 = 60;

#[test]
fn whatever_the_limit_of_threads_a_service_runs_or_says_that_it_lacks_them() {
    let test = "whatever_the_limit_of_threads_a_service_runs_or_says_that_it_lacks_them";
    let folder = tempfile::tempdir().unwrap();
    let mut settings = table(0, "services", "events");
    settings.push("tables.0.dead_letter=rejected".into());
    let settings = with_basics("localhost:1", &settings);
    let mut running = Vec::new();
    for threads in 1..=MOST_THREADS {
        let Some(limit) = ThreadLimit::required_by(test, threads) else { return };
        let (program, log) = (limit.command_line(env!("CARGO_BIN_EXE_millpond")), folder.path());
        let log = log.join(threads.to_string());
        let served = Served::start(program, &settings, log.clone());
        let has_started = served.is_ok();
        let status = served.map(|mut served| served.stop().unwrap());
        let said = std::fs::read_to_string(log).unwrap();
        assert!(!said.contains("panicked"), "{threads} threads: {said}");
        match status {
            Ok(status) => assert!(status.is_some_and(|status| status.success()), "{said}"),
            Err(error) => assert!(said.contains("gives no more threads"), "{error:#}"),
        }
        running.push(has_started);
    }
    assert!(running.ends_with(&[true; 5]), "{running:?}");
    assert!(running.is_sorted(), "{running:?}");
}
