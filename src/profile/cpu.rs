//! CPU profiles: where the threads of this process are each time they have used 10 ms of CPU time.
//!
//! A thread with its signals blocked cannot be asked where it is. All threads of librdkafka are so.
//! Their CPU time is measured and shown under their names.

mod sampler;
mod threads;
mod unwind;

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::modules::Modules;
use super::stacks::Stacks;
use sampler::{Sample, Sampler};
use threads::{SAMPLE_NANOS, SampledThreads};
use unwind::Unwinding;

/// How often samples are taken out of the sampler.
const DRAIN_INTERVAL: Duration = Duration::from_millis(10);
/// How often threads are looked for that are new.
const DRAINS_PER_LOOK: u32 = 10;

/// Samples all threads for so long, or until the sender of `stop` is dropped.
///
/// # Errors
///
/// When another profile is being taken in this process, or the system refuses a timer.
pub(super) fn sample(
    modules: &Modules,
    duration: Duration,
    stop: &Receiver<()>,
) -> io::Result<Stacks> {
    let mut collected = Collected { unwinding: Unwinding::new(modules), stacks: Stacks::default() };
    let sampler = Sampler::start()?;
    let mut threads = SampledThreads::default();
    let end = Instant::now() + duration;
    for turn in 0_u32.. {
        if turn.is_multiple_of(DRAINS_PER_LOOK) {
            threads.find_new()?;
        }
        let stopped = stop.recv_timeout(DRAIN_INTERVAL) == Err(RecvTimeoutError::Disconnected);
        sampler.drain(|sample| collected.add(sample, &threads));
        if stopped || Instant::now() >= end {
            break;
        }
    }
    threads.stop_timers();
    sampler.drain(|sample| collected.add(sample, &threads));
    Ok(collected.finish(&threads, sampler.lost()))
}

struct Collected {
    unwinding: Unwinding,
    stacks: Stacks,
}

impl Collected {
    fn add(&mut self, sample: &Sample, threads: &SampledThreads) {
        let mut frames = Vec::with_capacity(64);
        let is_whole = self.unwinding.unwind(sample, &mut frames);
        if !is_whole {
            frames.push(self.stacks.frame_of_name("(callers unknown)"));
        }
        let thread = format!("thread {}", threads.name_of(sample.thread));
        frames.push(self.stacks.frame_of_name(&thread));
        self.stacks.add(&frames, [1, SAMPLE_NANOS]);
    }

    /// Adds what could not be sampled.
    fn finish(mut self, threads: &SampledThreads, lost: u64) -> Stacks {
        for (name, nanos) in threads.unsampled().filter(|(_, nanos)| *nanos > 0) {
            let inner = self.stacks.frame_of_name("(code unknown: the thread blocks signals)");
            let thread = self.stacks.frame_of_name(&format!("thread {name}"));
            self.stacks.add(&[inner, thread], [nanos / SAMPLE_NANOS, nanos]);
        }
        if lost > 0 {
            let frame = self.stacks.frame_of_name("(lost: more samples than could be read)");
            self.stacks.add(&[frame], [lost, lost.saturating_mul(SAMPLE_NANOS)]);
        }
        self.stacks.finish()
    }
}
