//! `millpond rejections`: the most recently rejected records, with reason and place.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;

use super::client::ClientArgs;
use super::failure::Failure;
use super::output::{Output, shell_word};
use super::shown::show_answer;
use crate::proto::v1::{ListRejectionsRequest, ListRejectionsResponse, RejectReason, Rejection};

/// Which table.
#[derive(Debug, Args)]
pub(super) struct RejectionsArgs {
    /// The table's name. Without it, all tables
    #[arg(default_value = "")]
    table: String,
    /// Records on a page
    #[arg(long, value_name = "RECORDS", default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    count: i32,
    /// The token printed with the previous page
    #[arg(long, value_name = "TOKEN", default_value = "")]
    page_token: String,
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: RejectionsArgs) -> Result<(), Failure> {
    let RejectionsArgs { table, count: page_size, page_token, client, output } = args;
    let ask = async {
        let client = client.connect().await?;
        let request = client.request(ListRejectionsRequest { table, page_size, page_token });
        Ok(client.maintenance().list_rejections(request).await?.into_inner())
    };
    show_answer(output, "ListRejectionsResponse", ask, rejections_text)
}

fn rejections_text(answer: &ListRejectionsResponse) -> String {
    if answer.rejections.is_empty() {
        return "none".into();
    }
    let mut text = format!("{:<24} {:<20} {:>12}  place\n", "rejected", "reason", "offset");
    for rejection in &answer.rejections {
        let time = rejection.reject_time.as_ref().map(ToString::to_string).unwrap_or_default();
        let reason = rejection.reason().as_str_name().trim_start_matches("REJECT_REASON_");
        let reason = reason.to_lowercase().replace('_', " ");
        let offset = rejection.offset;
        let place = format!("{} {}/{}", rejection.table, rejection.topic, rejection.partition);
        let _ = writeln!(text, "{time:<24} {reason:<20} {offset:>12}  {place}");
    }
    text.push_str(&hints(answer));
    if !answer.next_page_token.is_empty() {
        let _ = writeln!(text, "next page: --page-token {}", shell_word(&answer.next_page_token));
    }
    text
}

/// What to do about the reasons that mean a setting or a producer rather than one record.
fn hints(answer: &ListRejectionsResponse) -> String {
    let reasons: BTreeSet<_> = answer.rejections.iter().map(Rejection::reason).collect();
    let hints: Vec<_> = reasons.into_iter().filter_map(hint).collect();
    if hints.is_empty() { String::new() } else { format!("\n{}\n", hints.join("\n")) }
}

fn hint(reason: RejectReason) -> Option<&'static str> {
    Some(match reason {
        RejectReason::BinaryKey => {
            "binary key: have the producer write keys as text or JSON (a StringSerializer, a \
             JsonConverter), or take the key from the document"
        }
        RejectReason::StructuredKey => {
            "structured key: say where the key is in the record key, as in \
             key = { first_of = [\"/id\", \"@key/id\"] }"
        }
        RejectReason::ImplausibleTime => {
            "implausible time: compare time_unit with a record; earliest_time and max_time_ahead \
             set what is believed"
        }
        RejectReason::FramedPayload => {
            "framed payload: written with a schema registry, perhaps Avro or Protobuf; only plain \
             JSON is read"
        }
        RejectReason::CompressedPayload => {
            "compressed payload: the producer compresses each value with gzip; Kafka's own \
             compression.type is read as it is"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_means_a_setting_has_one_hint_however_often_it_occurs() {
        let of = |reason: RejectReason| Rejection { reason: reason.into(), ..Rejection::default() };
        let reasons = [RejectReason::BinaryKey, RejectReason::InvalidJson, RejectReason::BinaryKey];
        let answer = |rejections| ListRejectionsResponse { rejections, ..Default::default() };
        let text = rejections_text(&answer(reasons.map(of).into()));
        assert_eq!(text.matches("binary key:").count(), 1, "{text}");
        let plain = answer(vec![of(RejectReason::InvalidJson)]);
        assert_eq!(rejections_text(&plain).lines().count(), 2);
    }
}
