//! Looks up any number of keys, in as many calls as that takes.
//!
//! Owns the order of the results and how fresh all of them together are. A batch is split where the
//! service takes no more keys, and what an answer defers is asked for again.

use std::collections::VecDeque;

use prost_types::{Duration, Timestamp};
use tonic::{Code, Request, Status};

use crate::Client;
use crate::calls::Lookup;
use crate::v1::{AsOf, BatchGetRequest, BatchGetResponse, LookupResult};

/// Most keys in one call, as the protocol says.
const MAX_KEYS: usize = 1_000;

impl Client {
    /// Looks up all keys of the request, however many they are and however large their entries.
    ///
    /// The results are in the order of the keys, and none is deferred. `as_of` is as old as the
    /// oldest of the answers: each of its parts holds for all results. The timeout counts for each
    /// call by itself, and each is repeated as [`Client::get`] is.
    ///
    /// # Errors
    /// If one of the calls fails. The results of the others are dropped then.
    pub async fn batch_get_all(
        &self,
        request: BatchGetRequest,
    ) -> Result<BatchGetResponse, Status> {
        let mut open = (0..request.keys.len()).collect::<VecDeque<_>>();
        let mut results = vec![LookupResult::default(); request.keys.len()];
        let mut as_of = None;
        while !open.is_empty() {
            let asked: Vec<_> = open.drain(..open.len().min(MAX_KEYS)).collect();
            let keys = asked.iter().map(|&index| request.keys[index].clone()).collect();
            let part = BatchGetRequest { keys, ..without_keys(&request) };
            let answer = self.repeat(&part, batch_get).await?;
            as_of = Some(as_of.map_or(answer.as_of, |earlier| older(earlier, answer.as_of)));
            let deferred = take_results(answer, &asked, &mut results)?;
            deferred.into_iter().rev().for_each(|index| open.push_front(index));
        }
        Ok(BatchGetResponse { results, deferred: Vec::new(), as_of: as_of.flatten() })
    }
}

async fn batch_get(
    mut lookup: Lookup,
    request: Request<BatchGetRequest>,
) -> Result<BatchGetResponse, Status> {
    Ok(lookup.batch_get(request).await?.into_inner())
}

fn without_keys(request: &BatchGetRequest) -> BatchGetRequest {
    BatchGetRequest {
        table: request.table.clone(),
        keys: Vec::new(),
        freshness: request.freshness.clone(),
        fields: request.fields.clone(),
    }
}

/// Puts the results of one answer in their places. Returns the places of the keys that it defers.
fn take_results(
    answer: BatchGetResponse,
    asked: &[usize],
    results: &mut [LookupResult],
) -> Result<Vec<usize>, Status> {
    let mut is_deferred = vec![false; asked.len()];
    for index in &answer.deferred {
        let place = usize::try_from(*index).ok().and_then(|index| is_deferred.get_mut(index));
        *place.ok_or_else(|| unexpected("defers a key that was not asked for"))? = true;
    }
    let (deferred, answered): (Vec<_>, Vec<_>) =
        asked.iter().zip(is_deferred).partition(|(_, is_deferred)| *is_deferred);
    if answered.len() != answer.results.len() {
        return Err(unexpected("has another number of results than of keys"));
    }
    if answered.is_empty() {
        return Err(unexpected("defers every key"));
    }
    for ((&place, _), result) in answered.into_iter().zip(answer.results) {
        results[place] = result;
    }
    Ok(deferred.into_iter().map(|(&place, _)| place).collect())
}

fn unexpected(what: &str) -> Status {
    Status::new(Code::Internal, format!("the answer of the service {what}"))
}

/// What holds for both. Without a part of it nothing is known of that part.
fn older(one: Option<AsOf>, other: Option<AsOf>) -> Option<AsOf> {
    let (one, other) = (one?, other?);
    let time = |time: Timestamp| (time.seconds, time.nanos);
    let span = |span: Duration| (span.seconds, span.nanos);
    let newest = one.newest_record_time.zip(other.newest_record_time);
    let staleness = one.staleness.zip(other.staleness);
    Some(AsOf {
        ready: one.ready && other.ready,
        newest_record_time: newest.map(|(a, b)| if time(a) <= time(b) { a } else { b }),
        staleness: staleness.map(|(a, b)| if span(a) >= span(b) { a } else { b }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::lookup_result::Outcome;
    use crate::v1::{Entry, Miss};

    fn entry(key: &str) -> LookupResult {
        let entry = Entry { key: key.into(), ..Entry::default() };
        LookupResult { outcome: Some(Outcome::Entry(entry)) }
    }

    fn miss() -> LookupResult {
        LookupResult { outcome: Some(Outcome::Miss(Miss::default())) }
    }

    fn answer(results: Vec<LookupResult>, deferred: Vec<i32>) -> BatchGetResponse {
        BatchGetResponse { results, deferred, as_of: None }
    }

    #[test]
    fn results_go_to_the_places_of_their_keys_and_deferred_ones_are_still_open() {
        let mut results = vec![LookupResult::default(); 6];
        let answer = answer(vec![entry("a"), miss()], vec![1, 3]);
        let open = take_results(answer, &[0, 2, 4, 5], &mut results).unwrap();
        assert_eq!(open, [2, 5]);
        assert_eq!((&results[0], &results[4]), (&entry("a"), &miss()));
    }

    #[test]
    fn an_answer_that_does_not_fit_its_request_is_an_error_and_no_loop() {
        for (results, deferred) in [
            (vec![], vec![0, 1]),
            (vec![miss()], vec![]),
            (vec![miss(), miss()], vec![1]),
            (vec![miss()], vec![2]),
            (vec![miss()], vec![-1]),
        ] {
            let mut places = vec![LookupResult::default(); 2];
            let broken = answer(results, deferred);
            let shown = format!("{broken:?}");
            assert!(take_results(broken, &[0, 1], &mut places).is_err(), "{shown}");
        }
    }

    #[test]
    fn several_answers_are_as_fresh_as_the_least_fresh_of_them() {
        let of = |ready, seconds, staleness| AsOf {
            ready,
            newest_record_time: Some(Timestamp { seconds, nanos: 0 }),
            staleness: Some(Duration { seconds: staleness, nanos: 0 }),
        };
        let both = older(Some(of(true, 10, 3)), Some(of(false, 12, 2)));
        assert_eq!(both, Some(of(false, 10, 3)));
        let unknown = AsOf { staleness: None, ..of(true, 10, 0) };
        assert_eq!(older(Some(of(true, 11, 1)), Some(unknown)), Some(unknown));
    }
}
