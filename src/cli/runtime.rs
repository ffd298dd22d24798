//! The runtime that a verb runs on.

use crate::heap::Account;

use super::failure::Failure;

/// Runs a future to its end, on this thread: a service serves on threads of its own. Does not wait
/// for tasks that still run then: a drain that missed its deadline must not delay the end of the
/// process.
///
/// The thread has a memory account, since allocations of threads without one are counted as the
/// Kafka client's.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let account = Account::open()?;
    account.adopt_thread();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || account.adopt_thread())
        .build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
