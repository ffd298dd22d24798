//! The threads of the process, each with a timer that goes by its CPU time.

#![expect(unsafe_code, reason = "calls of the system with plain numbers and places for results")]

use std::collections::HashMap;
use std::fs;
use std::io;
use std::mem;
use std::ptr;

/// The CPU time of a thread between two samples.
pub(super) const SAMPLE_NANOS: u64 = 10_000_000;

/// Threads that are sampled, or whose CPU time is measured.
#[derive(Default)]
pub(super) struct SampledThreads(HashMap<i32, SampledThread>);

struct SampledThread {
    name: String,
    timer: Option<Timer>,
    /// Its CPU time when it was found, if it cannot be sampled.
    began_nanos: u64,
}

struct Timer(libc::timer_t);

impl SampledThreads {
    /// Adds the threads that are not known yet.
    ///
    /// # Errors
    ///
    /// When the system does not list them, or refuses a timer.
    pub(super) fn find_new(&mut self) -> io::Result<()> {
        for entry in fs::read_dir("/proc/self/task")? {
            let Ok(thread) = entry?.file_name().to_string_lossy().parse() else { continue };
            if !self.0.contains_key(&thread)
                && let Some(found) = SampledThread::find(thread)?
            {
                self.0.insert(thread, found);
            }
        }
        Ok(())
    }

    /// The name of a thread.
    pub(super) fn name_of(&self, thread: i32) -> &str {
        self.0.get(&thread).map_or("unknown", |thread| &thread.name)
    }

    /// The names of threads that cannot be sampled, and the CPU time that each has taken.
    pub(super) fn unsampled(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter(|(_, thread)| thread.timer.is_none()).map(|(id, thread)| {
            let nanos = cpu_nanos(*id).unwrap_or(thread.began_nanos);
            (thread.name.as_str(), nanos.saturating_sub(thread.began_nanos))
        })
    }

    /// Stops sampling.
    pub(super) fn stop_timers(&self) {
        self.0.values().filter_map(|thread| thread.timer.as_ref()).for_each(Timer::stop);
    }
}

impl SampledThread {
    /// None if the thread has ended.
    fn find(thread: i32) -> io::Result<Option<Self>> {
        let text = |file| fs::read_to_string(format!("/proc/self/task/{thread}/{file}"));
        let (Ok(name), Ok(status)) = (text("comm"), text("status")) else { return Ok(None) };
        let name = name.trim().to_owned();
        let Some(began_nanos) = cpu_nanos(thread) else { return Ok(None) };
        let timer = if has_blocked(&status) { None } else { Timer::start(thread)? };
        Ok(Some(Self { name, timer, began_nanos }))
    }
}

/// Whether a thread with this status has the signal blocked.
fn has_blocked(status: &str) -> bool {
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let blocked = blocked.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    blocked.is_some_and(|mask| mask >> (libc::SIGPROF - 1) & 1 == 1)
}

/// The clock of a thread's CPU time, as the system numbers such clocks.
fn clock_of(thread: i32) -> libc::clockid_t {
    const OF_THREAD: libc::clockid_t = 4;
    const SCHEDULED: libc::clockid_t = 2;
    (!thread << 3) | OF_THREAD | SCHEDULED
}

/// The CPU time that a thread has taken. None if it has ended.
fn cpu_nanos(thread: i32) -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the system writes a time there.
    let failed = unsafe { libc::clock_gettime(clock_of(thread), &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    (failed == 0).then_some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

impl Timer {
    /// A timer that signals a thread each time it has taken [`SAMPLE_NANOS`]. None if the thread has
    /// ended.
    fn start(thread: i32) -> io::Result<Option<Self>> {
        let mut timer = ptr::null_mut();
        // SAFETY: all fields are plain numbers, and the system writes the timer's number there.
        let failed = unsafe {
            let mut event: libc::sigevent = mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGPROF;
            event.sigev_notify_thread_id = thread;
            libc::timer_create(clock_of(thread), &raw mut event, &raw mut timer)
        };
        if failed != 0 {
            let error = io::Error::last_os_error();
            // Out of timers. In other cases the thread is gone.
            let is_refused = error.raw_os_error() == Some(libc::EAGAIN);
            return if is_refused { Err(error) } else { Ok(None) };
        }
        let timer = Self(timer);
        timer.set(SAMPLE_NANOS);
        Ok(Some(timer))
    }

    fn stop(&self) {
        self.set(0);
    }

    fn set(&self, nanos: u64) {
        let nanos = libc::c_long::try_from(nanos).unwrap_or_default();
        let interval = libc::timespec { tv_sec: 0, tv_nsec: nanos };
        let times = libc::itimerspec { it_interval: interval, it_value: interval };
        // SAFETY: the timer is deleted when this is dropped, and not before.
        unsafe { libc::timer_settime(self.0, 0, &raw const times, ptr::null_mut()) };
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer is ours, and nothing uses it after this.
        unsafe { libc::timer_delete(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_blocks_the_signal_is_known_by_its_status() {
        let status = |mask| format!("Name:\trdk:main\nSigBlk:\t{mask}\nSigIgn:\t0\n");
        assert!(has_blocked(&status("fffffffe7ffbfeff")));
        assert!(!has_blocked(&status("0000000000000000")));
        assert!(!has_blocked(""));
    }

    #[test]
    fn the_cpu_time_of_a_thread_grows_with_its_work() {
        // SAFETY: it has no conditions.
        let thread = unsafe { libc::gettid() };
        let before = cpu_nanos(thread).unwrap();
        let mut sum = 0_u64;
        while cpu_nanos(thread).unwrap() < before + 1_000_000 {
            sum = sum.wrapping_add(1);
        }
        assert!(sum > 0 && cpu_nanos(i32::MAX - 7).is_none());
    }
}
