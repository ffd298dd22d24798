//! `ScanRequest`, decoded with a few allocations however many fields it names.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, int64, string};
use prost::{DecodeError, Message};

use crate::rpc::lookup_request::LookupRequest;

/// Asks for the live entries of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::rpc) struct ScanRequest {
    /// The first four fields. The prefix stands where a lookup has its key.
    pub(super) lookup: LookupRequest<String>,
    pub(super) limit: i64,
    pub(super) page_token: String,
}

impl ScanRequest {
    /// The name of the table.
    pub(in crate::rpc) fn table(&self) -> &str {
        &self.lookup.table
    }

    /// What the request takes in memory.
    pub(in crate::rpc) fn held_bytes(&self) -> usize {
        self.lookup.held_bytes() + self.page_token.capacity()
    }
}

impl Message for ScanRequest {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            5 => int64::merge(wire_type, &mut self.limit, buf, context),
            6 => string::merge(wire_type, &mut self.page_token, buf, context),
            _ => self.lookup.merge_field(tag, wire_type, buf, context),
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes nothing: a server only reads requests.
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn encoded_len(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{self, Freshness};

    #[test]
    fn a_request_is_decoded_as_it_was_sent() {
        let sent = v1::ScanRequest {
            table: "services".into(),
            prefix: "a/".into(),
            freshness: Some(Freshness { require_ready: true, ..Freshness::default() }),
            fields: vec!["name".into(), "id".into()],
            limit: 7,
            page_token: "token".into(),
        };
        let decoded = ScanRequest::decode(sent.encode_to_vec().as_slice()).unwrap();
        let ScanRequest { lookup, limit, page_token } = decoded;
        assert_eq!((lookup.table.as_str(), lookup.key.as_str()), ("services", "a/"));
        assert!(lookup.freshness.require_ready);
        assert!(lookup.fields.iter().eq(["name", "id"]));
        assert_eq!((limit, page_token.as_str()), (7, "token"));
    }
}
