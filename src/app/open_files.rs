//! The limit of open files: how many connections it allows.
//!
//! Each connection is an open file. Where none is left, nothing can be accepted, probes neither,
//! and Kafka's clients cannot connect again. So connections leave some for the rest.

use std::fs;

/// For the Kafka clients, the admin port and the files that are read.
const RESERVE: usize = 384;

/// The configured number of connections, or fewer if the limit of open files does not allow it.
pub(super) fn allowed_connections(configured: usize) -> usize {
    let allowed = limit().map_or(configured, |limit| within(limit, configured));
    if allowed < configured {
        tracing::warn!(
            configured,
            allowed,
            "the limit of open files allows fewer connections; raise it (ulimit -n), or lower \
             rpc.max_connections"
        );
    }
    allowed
}

/// The limit that applies to this process. None if there is none, or if it cannot be read.
pub(super) fn limit() -> Option<usize> {
    open_files(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn within(limit: usize, configured: usize) -> usize {
    configured.min(limit - RESERVE.min(limit / 2)).max(1)
}

/// The limit that applies, of the system's table of limits. None if there is none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_applies_is_the_soft_one() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             63000                63000                processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files            unlimited   unlimited  files"), None);
        assert_eq!(open_files(""), None);
    }

    #[test]
    fn connections_leave_open_files_for_the_rest() {
        for (limit, configured, allowed) in
            [(1024, 256, 256), (1024, 10_000, 640), (200, 256, 100), (1, 256, 1), (0, 256, 1)]
        {
            assert_eq!(within(limit, configured), allowed, "{limit} {configured}");
        }
    }
}
