//! `WatchRequest`, decoded with a few allocations however many keys it names.

use std::time::Duration;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bool, message, string};
use prost::{DecodeError, Message};
use tonic_types::FieldViolation;

use crate::rpc::freshness::Freshness;
use crate::rpc::lookup_request::{LookupRequest, MAX_BATCH_KEYS};
use crate::rpc::texts::Texts;
use crate::rpc::validation::{self, required};

/// The bounds of the interval, and what it is if none is named. Stated in the protocol.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// Asks for the changes of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::rpc) struct WatchRequest {
    /// The first four fields.
    lookup: LookupRequest<Texts>,
    prefix: String,
    pub(super) include_current: bool,
    pub(super) resume_token: String,
    progress_interval: Option<prost_types::Duration>,
}

impl WatchRequest {
    /// The name of the table.
    pub(in crate::rpc) fn table(&self) -> &str {
        &self.lookup.table
    }

    /// What the request takes in memory, with the order of its keys.
    pub(in crate::rpc) fn held_bytes(&self) -> usize {
        let keys_bytes = self.lookup.key.count().min(MAX_BATCH_KEYS) * size_of::<Box<str>>();
        let texts_bytes = self.prefix.capacity() + self.resume_token.capacity();
        2 * self.lookup.held_bytes() + keys_bytes + texts_bytes
    }

    pub(super) fn keys(&self) -> &Texts {
        &self.lookup.key
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn fields(&self) -> &Texts {
        &self.lookup.fields
    }

    pub(super) fn freshness(&self) -> &Freshness {
        &self.lookup.freshness
    }

    /// How long after one progress the next is sent.
    pub(super) fn progress_interval(&self) -> Duration {
        let Some(named) = self.progress_interval else { return DEFAULT_INTERVAL };
        // A negative one is shorter than any.
        Duration::try_from(named).unwrap_or_default().clamp(MIN_INTERVAL, MAX_INTERVAL)
    }

    /// The fields that break their rules.
    pub(super) fn violations(&self) -> impl Iterator<Item = Option<FieldViolation>> {
        let keys = self.keys();
        let of_keys = keys.iter().enumerate();
        let of_keys = of_keys.map(|(index, key)| validation::key(|| format!("keys[{index}]"), key));
        [required("table", self.table()), self.too_many_keys(), self.keys_and_prefix()]
            .into_iter()
            .chain([validation::prefix(&self.prefix)])
            .chain(of_keys)
            .chain(self.freshness().violations())
    }

    fn too_many_keys(&self) -> Option<FieldViolation> {
        let count = self.keys().count();
        (count > MAX_BATCH_KEYS).then(|| {
            let rule = format!("must be at most {MAX_BATCH_KEYS}, and there are {count}");
            FieldViolation::new("keys", rule)
        })
    }

    fn keys_and_prefix(&self) -> Option<FieldViolation> {
        let has_both = self.keys().count() > 0 && !self.prefix.is_empty();
        has_both.then(|| FieldViolation::new("prefix", "must be empty if there are keys"))
    }

    /// What a token has beside its position: the table's instance, and which keys the watch has.
    pub(super) fn token_text(&self, instance: u64) -> String {
        // FNV-1a. It finds mistakes; nobody gains anything by a token that is made up.
        let bytes = self.keys().iter().flat_map(|key| key.bytes().chain([0xff]));
        let keys = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{instance:016x}{keys:016x}")
    }
}

impl Message for WatchRequest {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            5 => string::merge(wire_type, &mut self.prefix, buf, context),
            6 => bool::merge(wire_type, &mut self.include_current, buf, context),
            7 => string::merge(wire_type, &mut self.resume_token, buf, context),
            8 => {
                let interval = self.progress_interval.get_or_insert_default();
                message::merge(wire_type, interval, buf, context)
            }
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

    fn decoded(sent: &v1::WatchRequest) -> WatchRequest {
        WatchRequest::decode(sent.encode_to_vec().as_slice()).unwrap()
    }

    #[test]
    fn a_request_is_decoded_as_it_was_sent() {
        let request = decoded(&v1::WatchRequest {
            table: "services".into(),
            keys: vec!["a".into(), "b".into()],
            freshness: Some(Freshness { require_ready: true, ..Freshness::default() }),
            fields: vec!["name".into()],
            prefix: "a/".into(),
            include_current: true,
            resume_token: "token".into(),
            progress_interval: Some(prost_types::Duration { seconds: 2, nanos: 0 }),
        });
        assert_eq!((request.table(), request.prefix()), ("services", "a/"));
        assert!(request.keys().iter().eq(["a", "b"]));
        assert!(request.fields().iter().eq(["name"]));
        assert!(request.freshness().require_ready && request.include_current);
        assert_eq!(request.resume_token, "token");
        assert_eq!(request.progress_interval(), Duration::from_secs(2));
        let violations: Vec<_> = request.violations().flatten().collect();
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].field, "prefix");
    }

    #[test]
    fn an_interval_is_a_tenth_of_a_second_to_a_minute_whatever_a_caller_names() {
        let of = |named: Option<(i64, i32)>| {
            let progress_interval =
                named.map(|(seconds, nanos)| prost_types::Duration { seconds, nanos });
            decoded(&v1::WatchRequest { progress_interval, ..Default::default() })
                .progress_interval()
        };
        assert_eq!(of(None), DEFAULT_INTERVAL);
        assert_eq!(of(Some((0, 250_000_000))), Duration::from_millis(250));
        assert_eq!([of(Some((0, 0))), of(Some((-7, 0)))], [MIN_INTERVAL; 2]);
        assert_eq!([of(Some((61, 0))), of(Some((i64::MAX, i32::MAX)))], [MAX_INTERVAL; 2]);
    }

    #[test]
    fn a_token_is_of_one_table_and_one_list_of_keys() {
        let of = |keys: &[&str], instance| {
            let keys = keys.iter().map(ToString::to_string).collect();
            decoded(&v1::WatchRequest { keys, ..Default::default() }).token_text(instance)
        };
        assert_eq!(of(&["a", "b"], 1), of(&["a", "b"], 1));
        for (keys, instance) in [(&["ab"][..], 1), (&["a", "b"], 2), (&["b", "a"], 1), (&[], 1)] {
            assert_ne!(of(&["a", "b"], 1), of(keys, instance));
        }
    }
}
