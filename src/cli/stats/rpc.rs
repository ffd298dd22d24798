//! The part of `millpond stats` about callers: what they have open, and which calls were shed.

use std::fmt::Write as _;
use std::time::Duration;

use super::access::access_text;
use crate::cli::output::{bytes, count, escaped};
use crate::proto::v1::{CallerStats, RpcStats, ShedCause};

/// The callers that cost the most. `--output json` has all.
const MAX_CALLERS: usize = 10;

/// What callers have open and hold, and the calls that were shed, if any were.
pub(in crate::cli) fn rpc_text(rpc: &RpcStats) -> String {
    let mut text = format!(
        "\ncallers\n  {} calls on {} connections, holding {} of {}\n",
        count(rpc.open_call_count),
        count(rpc.open_connection_count),
        bytes(rpc.held_bytes),
        bytes(rpc.pool_bytes),
    );
    if rpc.refused_connection_count > 0 {
        let refused = count(rpc.refused_connection_count);
        let _ = writeln!(text, "  {refused} connections refused: their peer had too many");
    }
    for shed in rpc.shed_calls.iter().filter(|shed| shed.count > 0) {
        let _ = writeln!(text, "  {} calls shed: {}", count(shed.count), cause_text(shed.cause()));
    }
    text.push_str(&rpc.access.as_ref().map(access_text).unwrap_or_default());
    for caller in rpc.callers.iter().take(MAX_CALLERS) {
        let _ = writeln!(text, "  {}", caller_text(caller));
    }
    text
}

fn caller_text(cost: &CallerStats) -> String {
    let about = if cost.table.is_empty() { String::new() } else { format!(" of {}", cost.table) };
    let time = |span: Option<prost_types::Duration>| {
        let span = span.and_then(|span| Duration::try_from(span).ok()).unwrap_or_default();
        format!("{:.3} s", span.as_secs_f64())
    };
    let shed = if cost.shed_count == 0 {
        String::new()
    } else {
        format!(", {} shed", count(cost.shed_count))
    };
    format!(
        "{}: {} calls for {} keys{about}, {} sent, {} of work, {} at most{shed}",
        escaped(&cost.caller),
        count(cost.call_count),
        count(cost.key_count),
        bytes(cost.answer_bytes),
        time(cost.busy_time),
        time(cost.slowest_time),
    )
}

/// Why calls were shed.
pub(in crate::cli) fn cause_text(cause: ShedCause) -> &'static str {
    match cause {
        ShedCause::TooManyCalls => "too many were open (rpc.max_streams)",
        ShedCause::PoolFull => "no room in the byte pool (rpc.pool)",
        ShedCause::MemoryShort => "memory was short",
        ShedCause::RequestLate => "their requests came too slowly",
        ShedCause::AnswerLate => "their callers read too slowly",
        ShedCause::Unspecified => "for an unknown cause",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ShedCallCount;

    #[test]
    fn calls_that_were_shed_are_listed_by_cause_and_only_if_there_are_any() {
        let of = |cause: ShedCause, count| ShedCallCount { cause: cause.into(), count };
        let shed_calls = vec![of(ShedCause::PoolFull, 1_234), of(ShedCause::AnswerLate, 0)];
        let text = rpc_text(&RpcStats { shed_calls, ..RpcStats::default() });
        assert!(text.contains("1,234 calls shed: no room in the byte pool"), "{text}");
        assert!(!text.contains("read too slowly") && !text.contains("refused"), "{text}");
    }
}
