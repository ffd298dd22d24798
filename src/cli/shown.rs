//! Asks a service and shows its answer: as text for people, or as JSON.

use std::io::{self, Write as _};

use prost::Message;

use super::failure::Failure;
use super::output::{self, Output};
use super::runtime::block_on;

/// Prints the answer to a question. `name` is the message's name in the protocol, and `text` makes
/// the text for people.
pub(super) fn show_answer<M: Message>(
    output: Output,
    name: &str,
    ask: impl Future<Output = Result<M, Failure>>,
    text: impl FnOnce(&M) -> String,
) -> Result<(), Failure> {
    let answer = block_on(ask);
    let text = match output {
        Output::Json => output::json(name, &answer.map_err(Failure::into_json)?)?,
        Output::Text => text(&answer?),
    };
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}
