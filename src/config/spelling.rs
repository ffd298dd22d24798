//! What a misspelt name was probably meant to be.

/// The candidate that the fewest edits make of `name`, unless they are too many to be
/// a slip of the pen.
pub(super) fn nearest<'n>(name: &str, candidates: &[&'n str]) -> Option<&'n str> {
    let slips = 1 + name.chars().count().min(30) / 4;
    candidates
        .iter()
        .map(|candidate| (edits(name, candidate), *candidate))
        .filter(|(edits, _)| *edits <= slips)
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
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["brokers", "queue", "properties"];
        assert_eq!(nearest("broker", &known), Some("brokers"));
        assert_eq!(nearest("bokers", &known), Some("brokers"));
        assert_eq!(nearest("qeueu", &known), Some("queue"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
