//! What client verbs print: text for people, or the message's proto3 JSON.

use anyhow::Context;
use clap::ValueEnum;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

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
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let name = format!("millpond.v1.{name}");
    let descriptor = pool.get_message_by_name(&name).context("no such message")?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options = prost_reflect::SerializeOptions::new().skip_default_fields(false);
    let mut out = serde_json::Serializer::pretty(Vec::new());
    message.serialize_with_options(&mut out, &options)?;
    Ok(String::from_utf8(out.into_inner())?)
}

/// A value as JSON text.
pub(super) fn value_text(kind: &Kind) -> String {
    match kind {
        Kind::NullValue(_) => "null".into(),
        Kind::BoolValue(bool) => bool.to_string(),
        Kind::IntValue(int) => int.to_string(),
        Kind::UintValue(uint) => uint.to_string(),
        Kind::DoubleValue(double) => double.to_string(),
        Kind::StringValue(text) => serde_json::Value::from(text.as_str()).to_string(),
        Kind::JsonValue(text) | Kind::NumberText(text) => text.clone(),
    }
}

/// A number with a comma between groups of three digits.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let groups: Vec<_> =
        (!first.is_empty()).then(|| first.to_owned()).into_iter().chain(groups).collect();
    groups.join(",")
}

/// A number of bytes in the largest unit of which there is at least one.
pub(super) fn bytes(number: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| number >> shift > 0);
    unit.map_or_else(
        || format!("{number} B"),
        |(name, shift)| {
            let tenths = (u128::from(number) * 10) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{GetStatsResponse, Memory};

    #[test]
    fn json_is_the_messages_proto3_json() {
        let memory = Some(Memory { rss_bytes: 7, ..Memory::default() });
        let text = json("GetStatsResponse", &GetStatsResponse { memory, ..Default::default() });
        let parsed: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(parsed["memory"]["rssBytes"], "7");
        assert_eq!(parsed["memory"]["limitBytes"], "0");
    }

    #[test]
    fn numbers_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        for (number, text) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (5 << 30, "5.0 GiB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
