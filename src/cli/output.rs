//! What client verbs print: text for people, or the message's proto3 JSON.

use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::ser::Formatter;

use crate::config::Store;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::v1::value::Kind;

/// How to print an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Text,
    /// The message's proto3 JSON
    Json,
}

/// A message as indented proto3 JSON. Fields with default values are included.
pub(super) fn json<M: Message>(name: &str, message: &M) -> anyhow::Result<String> {
    MessageJson::new(name)?.write(message, serde_json::Serializer::pretty(Vec::new()))
}

/// The same in one line.
pub(super) fn json_line<M: Message>(name: &str, message: &M) -> anyhow::Result<String> {
    MessageJson::new(name)?.line(message)
}

/// Writes many messages of one kind as proto3 JSON.
pub(super) struct MessageJson(MessageDescriptor);

impl MessageJson {
    /// For the message of this name in the protocol.
    pub(super) fn new(name: &str) -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
        let descriptor = pool.get_message_by_name(&format!("millpond.v1.{name}"));
        descriptor.map(Self).context("no such message")
    }

    /// A message in one line. Fields with default values are included.
    pub(super) fn line<M: Message>(&self, message: &M) -> anyhow::Result<String> {
        self.write(message, serde_json::Serializer::new(Vec::new()))
    }

    fn write<M: Message, F: Formatter>(
        &self,
        message: &M,
        mut out: serde_json::Serializer<Vec<u8>, F>,
    ) -> anyhow::Result<String> {
        let bytes = message.encode_to_vec();
        let message = DynamicMessage::decode(self.0.clone(), bytes.as_slice())?;
        let options = prost_reflect::SerializeOptions::new().skip_default_fields(false);
        message.serialize_with_options(&mut out, &options)?;
        Ok(String::from_utf8(out.into_inner())?)
    }
}

/// Text from a stream, with control characters escaped: they could make a terminal do something.
pub(super) fn escaped(text: &str) -> String {
    let escape = |c: char| {
        let is_plain = !c.is_control() && !BIDI_CONTROLS.contains(&c);
        if is_plain { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }
    };
    text.chars().map(escape).collect()
}

/// They change the order in which text is shown.
const BIDI_CONTROLS: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

/// A word for a shell, as it is or in single quotes.
pub(super) fn shell_word(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A value as JSON text, with control characters escaped.
pub(super) fn value_text(kind: &Kind) -> String {
    match kind {
        Kind::NullValue(_) => "null".into(),
        Kind::BoolValue(bool) => bool.to_string(),
        Kind::IntValue(int) => int.to_string(),
        Kind::UintValue(uint) => uint.to_string(),
        Kind::DoubleValue(double) => double.to_string(),
        Kind::StringValue(text) => escaped(&serde_json::Value::from(text.as_str()).to_string()),
        Kind::JsonValue(text) | Kind::NumberText(text) => escaped(text),
    }
}

/// A number with a comma between groups of three digits. The protocol has signed numbers, and none
/// of them is negative.
pub(super) fn count(number: impl Into<i128>) -> String {
    let digits = number.into().max(0).to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let groups: Vec<_> =
        (!first.is_empty()).then(|| first.to_owned()).into_iter().chain(groups).collect();
    groups.join(",")
}

/// A number of bytes in the largest unit of which there is at least one.
pub(super) fn bytes(number: impl Into<i128>) -> String {
    let number = number.into().max(0);
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| number >> shift > 0);
    unit.map_or_else(
        || format!("{number} B"),
        |(name, shift)| {
            let tenths = (number * 10) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

/// The word for a store, as in the configuration.
pub(super) fn store_name(store: Store) -> &'static str {
    match store {
        Store::Moka => "moka",
        Store::Compact => "compact",
    }
}

/// A duration in whole seconds, since people do not need fractions here.
pub(super) fn span(span: Option<prost_types::Duration>) -> String {
    let seconds = span.and_then(|span| u64::try_from(span.seconds).ok()).unwrap_or(0);
    duration(Duration::from_secs(seconds))
}

/// The same for a duration of our own.
pub(super) fn duration(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{GetStatsResponse, Memory};

    #[test]
    fn json_is_the_messages_proto3_json() {
        let memory = Some(Memory { rss_bytes: 7, ..Memory::default() });
        let stats = GetStatsResponse { memory, ..Default::default() };
        let text = json("GetStatsResponse", &stats);
        let parsed: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(parsed["memory"]["rssBytes"], "7");
        assert_eq!(parsed["memory"]["limitBytes"], "0");
        let line = json_line("GetStatsResponse", &stats).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), parsed);
        assert!(!line.contains('\n'), "{line}");
    }

    #[test]
    fn what_a_stream_says_cannot_control_a_terminal() {
        let text = "a\u{1b}[2J\n\u{7f}\u{9b}é☃\u{202e}";
        assert_eq!(escaped(text), r"a\u001b[2J\u000a\u007f\u009bé☃\u202e");
        let text = value_text(&Kind::StringValue("\u{1b}]0;x\u{7}\u{9d}".into()));
        assert_eq!(text, r#""\u001b]0;x\u0007\u009d""#);
        assert_eq!(value_text(&Kind::JsonValue("[\"\u{9b}\"]".into())), r#"["\u009b"]"#);
    }

    #[test]
    fn a_word_for_a_shell_stays_one_word() {
        assert_eq!(shell_word("svc-00042"), "svc-00042");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("$(reboot)'s"), r"'$(reboot)'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn numbers_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        for (number, text) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (5_u64 << 30, "5.0 GiB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
