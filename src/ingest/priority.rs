//! Who goes first where there is not a processor for everybody.

/// By how much ingest threads, and those of their clients, are nicer than the threads that
/// answer. A nicer thread makes way for one that wakes at once, where it would finish
/// its time slice of some milliseconds first; and where both have work without end it
/// still gets a fourth of the time. Threads of other containers do not come into it: the
/// kernel shares out time among those first.
const NICER: i32 = 5;

/// Makes the calling thread nicer, and those that it will start.
pub(super) fn give_way() {
    // Elsewhere it is the whole process that would be.
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::nice(NICER)
    {
        tracing::debug!(%error, "ingest does not give way to lookups");
    }
}
