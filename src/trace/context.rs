//! What a caller says of its trace: the headers `traceparent` and `tracestate` of the W3C's Trace
//! Context.
//!
//! A caller can write anything there. What breaks the rules is as if it were not there.

use std::sync::Arc;

use super::ids::{SpanId, TraceId, byte_of};

/// The trace that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The caller's span.
    pub span_id: SpanId,
    /// Whether the caller records its span.
    pub is_sampled: bool,
}

/// The length of a `traceparent` of version 0.
const BYTES: usize = 55;
/// The longest `tracestate` that is passed on, in bytes. The standard asks for no more.
const MAX_STATE_BYTES: usize = 512;
const MAX_STATE_MEMBERS: usize = 32;

impl TraceContext {
    /// Reads a `traceparent`. None if it breaks the rules of the standard.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(BYTES)?;
        let version = byte_of(&known[..2])?;
        // A later version may have more at its end, behind a dash. The last one is not allowed.
        let is_complete =
            if version == 0 { rest.is_empty() } else { matches!(rest, [] | [b'-', ..]) };
        let has_dashes = [2, 35, 52].iter().all(|&at| known[at] == b'-');
        if version == 0xff || !is_complete || !has_dashes {
            return None;
        }
        Some(Self {
            trace_id: TraceId::from_hex(&known[3..35])?,
            span_id: SpanId::from_hex(&known[36..52])?,
            is_sampled: byte_of(&known[53..])? & 1 == 1,
        })
    }
}

/// What a caller's tracing systems say, from its `tracestate` headers. None if there is nothing, too
/// much, or what is no list of `key=value`.
pub fn trace_state<'a>(headers: impl Iterator<Item = &'a [u8]>) -> Option<Arc<str>> {
    let mut state = String::new();
    for header in headers {
        if state.len() + 1 + header.len() > MAX_STATE_BYTES {
            return None;
        }
        if !state.is_empty() {
            state.push(',');
        }
        state.push_str(std::str::from_utf8(header).ok()?);
    }
    let is_member = |member: &str| {
        let (key, value) = member.trim().split_once('=').unwrap_or_default();
        let is_visible = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
        !key.is_empty() && !key.contains(' ') && !value.contains('=') && is_visible(member)
    };
    let members = || state.split(',').filter(|member| !member.trim().is_empty());
    let is_sane = members().all(is_member) && (1..=MAX_STATE_MEMBERS).contains(&members().count());
    is_sane.then(|| state.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn parse(header: &str) -> Option<TraceContext> {
        TraceContext::parse(header.as_bytes())
    }

    #[test]
    fn a_traceparent_has_a_trace_a_span_and_a_decision() {
        for (flags, is_sampled) in [("01", true), ("00", false), ("03", true), ("fe", false)] {
            let context = parse(&format!("00-{TRACE}-{SPAN}-{flags}")).unwrap();
            assert_eq!(context.trace_id.to_string(), TRACE);
            assert_eq!(context.span_id.to_string(), SPAN);
            assert_eq!(context.is_sampled, is_sampled, "{flags}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        assert!(parse(&format!("01-{TRACE}-{SPAN}-01")).is_some());
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like")).is_some());
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01.what")).is_none());
    }

    #[test]
    fn rubbish_is_no_traceparent() {
        let zeros = "0".repeat(32);
        for header in [
            "",
            "rubbish",
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("00-{TRACE}-{SPAN}-1"),
            &format!("00-{TRACE}-{SPAN}-0x"),
            &format!("00_{TRACE}_{SPAN}_01"),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{zeros}-{SPAN}-01"),
            &format!("00-{TRACE}-{}-01", &zeros[..16]),
            &format!("0g-{TRACE}-{SPAN}-01"),
            &"\u{20ac}".repeat(30),
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    #[test]
    fn a_tracestate_is_passed_on_if_it_is_a_list_of_sane_size() {
        let of = |headers: &[&str]| trace_state(headers.iter().map(|header| header.as_bytes()));
        assert_eq!(of(&["a=1,b=2", "c@d=3"]).as_deref(), Some("a=1,b=2,c@d=3"));
        let long = format!("a={}", "x".repeat(511));
        let many = vec!["a=1"; 33].join(",");
        for wrong in ["", "a", "=1", "a=1=2", "a=\u{e9}", "a=1,b", &long, &many] {
            assert_eq!(of(&[wrong]), None, "{wrong}");
        }
        assert_eq!(of(&[]), None);
    }
}
