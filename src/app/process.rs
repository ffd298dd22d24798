//! What the system counts of this process: CPU time, threads, open files.
//!
//! Reads three files of `/proc`, which takes some ten microseconds. What cannot be read is zero.

use std::fs;
use std::time::Duration;

use super::open_files;
use crate::stats::ProcessStats;

/// Linux counts CPU time for programs in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);

/// The figures of this moment.
pub(super) fn read() -> ProcessStats {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (cpu, threads) = cpu_and_threads(&stat).unwrap_or_default();
    let max_open_files = open_files::limit().map_or(0, |limit| limit as u64);
    ProcessStats { cpu, threads, open_files: open_file_count(), max_open_files }
}

/// The CPU time and the number of threads, from the process's line. The name of the program stands
/// in brackets before them, and may hold anything.
fn cpu_and_threads(stat: &str) -> Option<(Duration, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The first field after the name is the third of the line.
    let field = |number: usize| rest.split_whitespace().nth(number - 3)?.parse::<u64>().ok();
    let (user, system, threads) = (field(14)?, field(15)?, field(20)?);
    let ticks = u32::try_from(user.saturating_add(system)).unwrap_or(u32::MAX);
    Some((TICK * ticks, threads))
}

/// Since Linux 6.2 the size of the folder is the number of open files. Before, it is zero, and they
/// have to be listed.
fn open_file_count() -> u64 {
    const FOLDER: &str = "/proc/self/fd";
    let size = fs::metadata(FOLDER).map_or(0, |folder| folder.len());
    if size > 0 { size } else { fs::read_dir(FOLDER).map_or(0, |files| files.count() as u64) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_name_of_the_program_may_hold_anything() {
        let fields: Vec<_> = (4..=52).map(|number| number.to_string()).collect();
        let stat = format!("1 (a) 9 (b) S {}", fields.join(" "));
        assert_eq!(cpu_and_threads(&stat), Some((Duration::from_millis(290), 20)));
        for wrong in ["", "1 (a) S 1 2 3", "1 a S"] {
            assert_eq!(cpu_and_threads(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn this_process_has_threads_and_open_files() {
        let open: Vec<_> = (0..50).map(|_| File::open("/proc/self/stat").unwrap()).collect();
        let stats = read();
        assert!(stats.open_files >= open.len() as u64, "{stats:?}");
        assert!(stats.max_open_files > stats.open_files && stats.threads >= 1, "{stats:?}");
    }
}
