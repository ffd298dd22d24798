//! Lowers the memory limit of the container while millpond runs in it.

use std::time::{Duration, Instant};

use millpond_acceptance::container::Container;

use crate::args::Args;

/// The memory that a step leaves free above the memory in use.
const STEP_ROOM_BYTES: u64 = 16 << 20;
/// Smaller steps are not taken.
const SMALLEST_STEP_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Lowering {
    pub(crate) to_bytes: u64,
    after: Duration,
    in_steps: bool,
    step_bytes: u64,
    asked: Option<Instant>,
    /// The time from the first attempt until the kernel accepted the limit.
    pub(crate) took: Option<Duration>,
}

impl Lowering {
    pub(crate) fn new(args: &Args) -> Option<Self> {
        let (to_bytes, after) = args.lower_to_bytes.zip(args.lower_after)?;
        let (in_steps, step_bytes) = (args.lower_in_steps, args.limit_bytes);
        Some(Self { to_bytes, after, in_steps, step_bytes, asked: None, took: None })
    }

    /// Must be called repeatedly. Returns whether this call has lowered the limit to the target.
    pub(crate) fn turn(&mut self, running: Duration, container: &Container) -> bool {
        if running < self.after || self.took.is_some() {
            return false;
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        if container.set_limit(self.to_bytes).is_err() {
            self.step(container);
            return false;
        }
        self.took = Some(asked.elapsed());
        true
    }

    pub(crate) fn line(&self) -> String {
        let took = self.took.map_or("was not set".into(), |took| {
            format!("was accepted after {:.1} s", took.as_secs_f64())
        });
        format!("; the limit of {} MiB {took}", self.to_bytes >> 20)
    }

    /// Lowers the limit by a step. Version 1 never shows a limit that it refuses, so millpond
    /// learns from steps that it has to shrink. A refused step is tried again at the next call.
    fn step(&mut self, container: &Container) {
        let Ok(usage) = container.usage_bytes() else { return };
        let step = self.to_bytes.max(usage + STEP_ROOM_BYTES);
        if self.in_steps
            && step + SMALLEST_STEP_BYTES <= self.step_bytes
            && container.set_limit(step).is_ok()
        {
            self.step_bytes = step;
        }
    }
}
