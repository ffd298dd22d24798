//! What to write instead of a key that does not exist.
//!
//! The key may have had another name in an earlier version, or it may be misspelt.
//! Which keys exist is known to the sections; they pass the candidates in.

/// Keys that were renamed, old and new. A closed list: a rename adds one line here.
const RENAMED: [(&str, &str); 6] = [
    ("kafka.queue", "kafka.fetch_buffer"),
    ("ingest.refresh", "ingest.metadata_refresh"),
    ("ingest.stall_after", "ingest.stall_timeout"),
    ("ingest.rejections", "ingest.recent_rejections"),
    ("rpc.in_flight", "rpc.pool"),
    ("rpc.buffer", "rpc.pool"),
];

/// The new name of a key, given by its whole path, that was renamed.
pub(super) fn renamed(path: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == path).map(|(_, new)| *new)
}

/// The candidate that takes the fewest edits to reach from `name`. None if every candidate
/// takes too many edits to be a misspelling.
pub(super) fn nearest<'n>(name: &str, candidates: &[&'n str]) -> Option<&'n str> {
    let max_edits = 1 + name.chars().count().min(30) / 4;
    candidates
        .iter()
        .map(|candidate| (edits(name, candidate), *candidate))
        .filter(|(edits, _)| *edits <= max_edits)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, delete or replace to get from one to the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut next = vec![done + 1];
        for (above, other) in row.windows(2).zip(to.chars()) {
            let &[diagonal, above] = above else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(letter != other)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelling_is_recognised_and_another_word_is_not() {
        let known = ["brokers", "queue", "properties"];
        assert_eq!(nearest("broker", &known), Some("brokers"));
        assert_eq!(nearest("bokers", &known), Some("brokers"));
        assert_eq!(nearest("qeueu", &known), Some("queue"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
