//! Whether the records that were produced during the run are all found at the end.

use std::sync::atomic::Ordering;

use millpond_acceptance::producer::Delivered;

use super::course::Course;
use crate::asking::{Answer, Client, batch_get, channel};
use crate::numbered::{key, value};

const BATCH: usize = 500;

#[derive(Debug, Default)]
pub(crate) struct Later {
    pub(crate) records: usize,
    pub(crate) missing: usize,
}

impl Later {
    /// Looks up all of them, once the last acknowledged ones are handled.
    pub(crate) async fn ask(course: &Course) -> anyhow::Result<Self> {
        let Delivered { ends, count, .. } = &*course.delivered;
        let last = ends.iter().map(|end| end.load(Ordering::Relaxed) - 1);
        let last: Vec<_> = (0..).zip(last).filter(|&(_, offset)| offset >= 0).collect();
        let numbers: Vec<_> = (course.records..count.load(Ordering::Relaxed)).collect();
        let mut client = Client::new(channel(&course.rpc)?);
        let mut later = Self { records: numbers.len(), missing: 0 };
        for numbers in numbers.chunks(BATCH) {
            let keys = numbers.iter().copied().map(key).collect();
            let answers = batch_get(&mut client, keys, &last).await?;
            let pairs = numbers.iter().zip(&answers);
            later.missing += pairs.filter(|(number, answer)| !is_right(**number, answer)).count();
        }
        Ok(later)
    }
}

pub(crate) fn is_right(number: u64, answer: &Answer) -> bool {
    answer.as_ref().is_ok_and(|found| found.value == value(number))
}
