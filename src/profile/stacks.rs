//! Distinct stacks with what was counted of each: a bounded number.

use std::collections::HashMap;

/// A count, and what is counted: bytes of a heap profile, nanoseconds of a CPU profile.
pub(super) type Values = [u64; 2];

/// A stack: addresses of code, or of names, the innermost first.
type Frames = Box<[u64]>;

/// The most frames of all stacks together. They take 8 bytes each.
const MAX_FRAMES: usize = 256 << 10;
/// The most distinct names.
const MAX_NAMES: usize = 1_000;
/// Addresses from here on are names. No code is there.
const FIRST_NAME: u64 = u64::MAX - MAX_NAMES as u64;

/// Distinct stacks.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    by_frames: HashMap<Frames, Values>,
    frames: usize,
    names: Vec<String>,
    left_out: Values,
}

impl Stacks {
    /// Adds to what was counted of a stack, the innermost frame first. Where there is no room for
    /// another stack, its values are those of one stack with the name `left out`.
    pub(super) fn add(&mut self, frames: &[u64], values: Values) {
        if let Some(sum) = self.by_frames.get_mut(frames) {
            add(sum, values);
        } else if self.frames + frames.len() <= MAX_FRAMES {
            self.frames += frames.len();
            self.by_frames.insert(frames.into(), values);
        } else {
            add(&mut self.left_out, values);
        }
    }

    /// The frame of a name that is not that of a function, such as that of a thread.
    pub(super) fn frame_of_name(&mut self, name: &str) -> u64 {
        let known = self.names.iter().position(|each| each == name);
        let position = known.unwrap_or_else(|| {
            if self.names.len() < MAX_NAMES {
                self.names.push(name.to_owned());
            }
            self.names.len() - 1
        });
        FIRST_NAME + position as u64
    }

    /// Ends the counting: what was left out becomes a stack with that name.
    pub(super) fn finish(mut self) -> Self {
        if self.left_out != [0, 0] {
            let frame = self.frame_of_name("(left out: too many distinct stacks)");
            self.by_frames.insert([frame].into(), self.left_out);
        }
        self
    }

    /// The same stacks, each without so many of its innermost frames. Stacks that become the same are
    /// one.
    pub(super) fn cut(&self, innermost: impl Fn(&[u64]) -> usize) -> Self {
        let mut cut = Self { names: self.names.clone(), ..Self::default() };
        for (frames, values) in self.iter() {
            let left = frames.get(innermost(frames)..).filter(|left| !left.is_empty());
            cut.add(left.unwrap_or(frames), values);
        }
        cut
    }

    /// The name of a frame, if it is one.
    pub(super) fn name_of_frame(&self, frame: u64) -> Option<&str> {
        let position = usize::try_from(frame.checked_sub(FIRST_NAME)?).ok()?;
        self.names.get(position).map(String::as_str)
    }

    /// All stacks, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u64], Values)> {
        self.by_frames.iter().map(|(frames, values)| (&**frames, *values))
    }

    /// All distinct frames, in order.
    pub(super) fn distinct_frames(&self) -> Vec<u64> {
        let mut frames: Vec<u64> = Vec::new();
        for stack in self.by_frames.keys() {
            frames.extend_from_slice(stack);
            if frames.len() > MAX_FRAMES / 4 {
                frames.sort_unstable();
                frames.dedup();
            }
        }
        frames.sort_unstable();
        frames.dedup();
        frames
    }
}

fn add(sum: &mut Values, values: Values) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum = sum.saturating_add(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_under_one_name() {
        let mut stacks = Stacks::default();
        for first in 0..2_000 {
            let frames: Vec<u64> = (first..first + 200).collect();
            stacks.add(&frames, [1, 10]);
            stacks.add(&frames, [1, 10]);
        }
        let stacks = stacks.finish();
        let total = stacks.iter().fold([0, 0], |mut total, (_, values)| {
            add(&mut total, values);
            total
        });
        assert_eq!(total, [4_000, 40_000]);
        let frames: usize = stacks.iter().map(|(frames, _)| frames.len()).sum();
        assert!(frames <= MAX_FRAMES + 1, "{frames}");
        let left_out = stacks.iter().find(|(frames, _)| stacks.name_of_frame(frames[0]).is_some());
        assert!(left_out.is_some_and(|(_, values)| values[0] > 1_000));
    }

    #[test]
    fn stacks_that_differ_only_in_what_is_cut_become_one() {
        let mut stacks = Stacks::default();
        stacks.add(&[1, 7, 8], [1, 10]);
        stacks.add(&[2, 7, 8], [1, 20]);
        let cut = stacks.cut(|frames| frames.iter().position(|&frame| frame == 7).unwrap_or(0));
        assert_eq!(cut.iter().collect::<Vec<_>>(), [(&[7, 8][..], [2, 30])]);
    }

    #[test]
    fn names_are_frames_that_are_no_code() {
        let mut stacks = Stacks::default();
        let (one, other) = (stacks.frame_of_name("rpc"), stacks.frame_of_name("admin"));
        assert_eq!(stacks.frame_of_name("rpc"), one);
        assert_eq!(stacks.name_of_frame(other), Some("admin"));
        assert_eq!(stacks.name_of_frame(0x7fff_ffff_ffff), None);
    }
}
