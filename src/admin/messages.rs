//! Messages as proto3 JSON, and back.

use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};

use crate::proto::FILE_DESCRIPTOR_SET;

/// The messages of the protocol. Clones share them.
#[derive(Debug, Clone)]
pub struct JsonMessages(DescriptorPool);

impl JsonMessages {
    /// The messages of `millpond.v1`.
    ///
    /// # Errors
    ///
    /// When the descriptors do not decode.
    pub fn new() -> Result<Self, String> {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET);
        pool.map(Self).map_err(|error| error.to_string())
    }

    /// An encoded message of this name as JSON, with the fields that have default values.
    ///
    /// # Errors
    ///
    /// When there is no such message, or these bytes are none.
    pub fn to_json(&self, name: &str, encoded: &[u8]) -> Result<Vec<u8>, String> {
        let message = DynamicMessage::decode(self.descriptor(name)?, encoded);
        let message = message.map_err(|error| error.to_string())?;
        let options = prost_reflect::SerializeOptions::new().skip_default_fields(false);
        let mut json = serde_json::Serializer::new(Vec::new());
        let written = message.serialize_with_options(&mut json, &options);
        written.map_err(|error| error.to_string())?;
        Ok(json.into_inner())
    }

    /// The message of this name that JSON stands for, encoded.
    ///
    /// # Errors
    ///
    /// When there is no such message, or the text is not one in JSON: what is wrong, and where.
    pub fn from_json(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, String> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let descriptor = self.descriptor(name)?;
        let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &options);
        let message = message.map_err(|error| error.to_string())?;
        json.end().map_err(|error| error.to_string())?;
        Ok(message.encode_to_vec())
    }

    fn descriptor(&self, name: &str) -> Result<MessageDescriptor, String> {
        let found = self.0.get_message_by_name(&format!("millpond.v1.{name}"));
        found.ok_or_else(|| format!("there is no message {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::DescribeEntryRequest;

    #[test]
    fn a_message_is_the_same_after_a_way_through_json() {
        let messages = JsonMessages::new().unwrap();
        let request = DescribeEntryRequest {
            table: "services".into(),
            key: "\u{0}\"ü".into(),
            ..DescribeEntryRequest::default()
        };
        let name = "DescribeEntryRequest";
        let json = messages.to_json(name, &request.encode_to_vec()).unwrap();
        let again = messages.from_json(name, &json).unwrap();
        assert_eq!(DescribeEntryRequest::decode(again.as_slice()).unwrap(), request);
    }

    #[test]
    fn what_is_no_message_is_refused_with_a_reason() {
        let messages = JsonMessages::new().unwrap();
        for (json, expected) in [
            ("{\"tabel\":\"a\"}", "tabel"),
            ("{\"table\":7}", "line 1"),
            ("{} {}", "trailing"),
            ("", "EOF"),
        ] {
            let why = messages.from_json("DescribeEntryRequest", json.as_bytes()).unwrap_err();
            assert!(why.contains(expected), "{json}: {why}");
        }
        assert!(messages.from_json("Nothing", b"{}").is_err());
    }
}
