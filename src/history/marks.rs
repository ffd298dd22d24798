//! What changed and when: the newest marks, in a bounded number.

use std::collections::VecDeque;

use crate::record::Timestamp;

/// The marks that are kept.
const MAX_MARKS: usize = 256;
/// The characters of a mark's text. One takes four bytes at most.
const MAX_CHARS: usize = 160;
/// The most that all marks take.
pub(super) const MAX_BYTES: u64 = (MAX_MARKS * (size_of::<Mark>() + 4 * MAX_CHARS)) as u64;

/// A change of the service's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its number: newer ones have larger numbers. The first is 1.
    pub number: u64,
    /// When it was seen.
    pub time: Timestamp,
    /// What it is about.
    pub kind: MarkKind,
    /// What changed.
    pub text: Box<str>,
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Whether the service or a table is ready.
    State,
    /// Memory.
    Pressure,
    /// Brokers and topics.
    Kafka,
    /// Something that should not happen.
    Fault,
}

/// The newest marks.
#[derive(Debug)]
pub(super) struct Marks {
    added: u64,
    newest: VecDeque<Mark>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { added: 0, newest: VecDeque::with_capacity(MAX_MARKS) }
    }
}

impl Marks {
    /// Adds a mark. Where there are as many as may be, the oldest goes.
    pub(super) fn add(&mut self, time: Timestamp, kind: MarkKind, text: &str) {
        if self.newest.len() == MAX_MARKS {
            self.newest.pop_front();
        }
        self.added += 1;
        let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(end, _)| end);
        let text = text[..end].into();
        self.newest.push_back(Mark { number: self.added, time, kind, text });
    }

    /// Those with a number above `number`, the oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<Mark> {
        self.newest.iter().filter(|mark| mark.number > number).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_marks_go_and_texts_are_cut() {
        let mut marks = Marks::default();
        for n in 0..MAX_MARKS as u64 + 5 {
            marks.add(Timestamp::from_millis(0), MarkKind::State, &format!("{n}").repeat(200));
        }
        let kept = marks.after(0);
        assert_eq!((kept.len(), kept[0].number), (MAX_MARKS, 6));
        assert!(kept.iter().all(|mark| mark.text.chars().count() == MAX_CHARS));
        assert_eq!(marks.after(kept.last().unwrap().number - 2).len(), 2);
    }
}
