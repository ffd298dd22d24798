//! Functions named `is_`, `has_` or `can_`: they return a bool and change nothing.
//!
//! Owns reading signatures. Which files are checked is decided elsewhere.

use super::source::Source;

const PREFIXES: [&str; 3] = ["is_", "has_", "can_"];

/// The functions of a file that are named so, but return no bool or can change their receiver.
pub(super) fn misnamed(source: &Source) -> Vec<&str> {
    let tokens = &source.tokens;
    let functions = tokens.windows(2).enumerate().filter(|(_, pair)| pair[0] == "fn");
    let predicates = functions.filter(|(_, pair)| PREFIXES.iter().any(|p| pair[1].starts_with(p)));
    predicates
        .filter(|(at, _)| !is_predicate(&tokens[at + 2..]))
        .map(|(_, pair)| pair[1].as_str())
        .collect()
}

/// Whether a signature, given from after the name, returns a bool and cannot change the receiver.
fn is_predicate(signature: &[String]) -> bool {
    let inputs = &signature[length_of_generics(signature)..];
    let (inputs, output) = inputs.split_at(length_of_inputs(inputs));
    let output = output.iter().take_while(|token| !["{", ";", "where"].contains(&token.as_str()));
    let returns_bool = output.skip_while(|token| *token != "->").any(|token| token == "bool");
    let first = inputs.iter().take_while(|token| *token != ",");
    let receiver: Vec<_> = first.map(String::as_str).collect();
    returns_bool
        && !(receiver.contains(&"&") && receiver.contains(&"mut") && receiver.contains(&"self"))
}

fn length_of_generics(signature: &[String]) -> usize {
    enclosed(signature, "<", ">")
}

fn length_of_inputs(signature: &[String]) -> usize {
    enclosed(signature, "(", ")")
}

/// The length of the part from `open` at the start to its `close`; zero if it does not start so.
fn enclosed(tokens: &[String], open: &str, close: &str) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if token == open {
            depth += 1;
        } else if token == close {
            depth -= 1;
        }
        if depth == 0 {
            return if token == close { at + 1 } else { 0 };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source { path: "src/a.rs".into(), tokens: tokens(text) };
        misnamed(&source).into_iter().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn a_predicate_that_returns_no_bool_is_found() {
        let text =
            "fn is_over(&self) {} pub fn has_one(a: bool) -> u8 { 1 } trait T { fn can_be(); }";
        assert_eq!(found(text), ["is_over", "has_one", "can_be"]);
    }

    #[test]
    fn a_predicate_that_can_change_its_receiver_is_found() {
        assert_eq!(
            found("fn is_new(&mut self) -> bool {} fn is_x(&'a mut self, n: u8) -> bool {}"),
            ["is_new", "is_x"]
        );
    }

    #[test]
    fn a_predicate_that_returns_a_bool_is_not_found() {
        let text = "fn is_a(&self, out: &mut u8) -> bool {}
            fn has_b<F: Fn() -> u8>(f: F) -> Option<bool> where F: Copy {}
            fn can_c() -> impl Future<Output = bool>; fn island(&mut self) {}";
        assert!(found(text).is_empty());
    }
}
