//! Measures of payloads, compared with what the parser finds in them.

use simd_json::{Buffers, INPUT_PADDING, Tape, fill_tape_padded};

use super::Shape;

/// Panics unless every measure is at least what the parser finds in `payload`, and a parser of
/// the measured depth has the same outcome as one without a limit.
pub(crate) fn check(payload: &[u8]) {
    let (most, exact) = (Shape::at_most(payload), Shape::exactly(payload));
    let length = Shape::by_length(payload);
    assert!(length.structurals >= most.structurals && length.depth >= most.depth);
    let (found, outcome) = parse(payload, usize::MAX);
    assert!(most.structurals >= exact.structurals && most.depth >= exact.depth);
    assert!(exact.structurals >= found, "{exact:?} but {found}");
    assert!(outcome.is_none() || exact.structurals == found, "{exact:?} but {found}");
    assert_eq!(parse(payload, exact.depth), (found, outcome));
    assert_eq!(parse(payload, length.depth), (found, outcome));
}

/// How many structural characters the parser finds, and how many nodes if all is well.
fn parse(payload: &[u8], max_depth: usize) -> (usize, Option<usize>) {
    let mut input = [payload, &[b' '; INPUT_PADDING]].concat();
    let mut buffers = Buffers::with_max_depth(0, max_depth);
    let mut tape = Tape(Vec::new());
    let parsed = fill_tape_padded(&mut input, payload.len(), &mut buffers, &mut tape);
    (buffers.structural_indexes().len(), parsed.ok().map(|()| tape.0.len()))
}

fn counts(shape: Shape) -> (usize, usize) {
    (shape.structurals, shape.depth)
}

#[test]
fn the_exact_measure_sees_through_strings() {
    let payload = br#"{"a[[": "},\"]{", "b": [1, true]}"#;
    check(payload);
    assert_eq!(counts(Shape::exactly(payload)), (13, 2));
}

#[test]
fn the_quick_measure_is_exact_where_there_are_no_strings() {
    for payload in ["[]", "[[1,2],[3,4]]", " [ 12 , null ,\n[-1.5e3]]", "7"] {
        let payload = payload.repeat(100);
        let (most, exact) =
            (Shape::at_most(payload.as_bytes()), Shape::exactly(payload.as_bytes()));
        assert_eq!(most.structurals, exact.structurals, "{payload}");
    }
}

#[test]
fn the_quick_measure_takes_a_string_of_brackets_for_structure() {
    let payload = format!(r#""{}""#, "[".repeat(1_000));
    check(payload.as_bytes());
    assert_eq!(counts(Shape::exactly(payload.as_bytes())), (1, 0));
    assert_eq!(counts(Shape::at_most(payload.as_bytes())), (1_002, 1_000));
}

#[test]
fn no_measure_is_less_where_a_stride_ends() {
    for spaces in 0..300 {
        let payload = [&" ".repeat(spaces), "[1,[2,\"a\\\\\"],3]"].concat();
        check(payload.as_bytes());
        check(payload.replace("\\\\", "\\\"").as_bytes());
    }
}

#[test]
fn what_is_measured_covers_what_is_no_json() {
    for payload in ["[[[[", "]]]][[[[", "\"\"\"\"", "\\\"[\\\"[", "1 1 1 1", "a\"b\"c", "\"[[[["] {
        check(payload.as_bytes());
        check(payload.repeat(100).as_bytes());
    }
}
