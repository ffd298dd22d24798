//! The output of `millpond check --connect`: what was tried, and what would become of the last
//! records.
//!
//! What comes from the stream is written as JSON text, so control characters are escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::app::{ConnectionReport, Sample, SampleOutcome, TopicReport};
use crate::cli::output::count;
use crate::cli::sample_text;

/// How many topics cannot be used.
pub(super) fn fault_count(report: &ConnectionReport) -> usize {
    let topics = report.topics.iter().chain(&report.dead_letters);
    topics.filter(|topic| topic.fault.is_some()).count()
}

pub(super) fn report_text(report: &ConnectionReport) -> String {
    let mut text = String::from("brokers\n");
    for broker in &report.brokers {
        let _ = writeln!(text, "  {} at {}", broker.id, broker.address);
    }
    report.topics.iter().for_each(|topic| text.push_str(&topic_text(topic)));
    for topic in &report.dead_letters {
        let state = topic.fault.as_deref().unwrap_or("exists");
        let _ = writeln!(text, "\ndead-letter topic {}: {state}", topic.topic);
    }
    text
}

fn topic_text(topic: &TopicReport) -> String {
    let mut text = format!("\ntopic {}, for {}\n", topic.topic, tables_text(&topic.tables));
    match (&topic.fault, topic.log) {
        (Some(fault), _) => {
            let _ = writeln!(text, "  CANNOT BE READ: {fault}");
        }
        (None, Some(log)) => {
            let offsets = u64::try_from(log.offsets).unwrap_or(0);
            let _ = writeln!(
                text,
                "  {} partitions with {} offsets; may be described and read",
                log.partitions,
                count(offsets)
            );
        }
        (None, None) => {}
    }
    for table in &topic.tables {
        let own: Vec<_> = topic.samples.iter().filter(|sample| sample.table == *table).collect();
        if topic.fault.is_none() {
            text.push_str(&samples_text(table, &own));
        }
    }
    text
}

fn tables_text(tables: &[String]) -> String {
    let kind = if tables.len() == 1 { "table" } else { "tables" };
    format!("{kind} {}", tables.join(", "))
}

fn samples_text(table: &str, samples: &[&Sample]) -> String {
    if samples.is_empty() {
        return format!("  no record was read for table {table}\n");
    }
    let mut text = format!("  table {table}, the last {} records:\n", samples.len());
    text.extend(samples.iter().map(|sample| sample_text(sample)));
    let _ = writeln!(text, "    together: {}", summary(samples));
    if samples.iter().all(|sample| is_lost(sample.outcome)) {
        let _ = writeln!(
            text,
            "    NONE WOULD BE STORED: see key, fields, ttl and ttl_from of {table}"
        );
    }
    text
}

fn is_lost(outcome: SampleOutcome) -> bool {
    matches!(outcome, SampleOutcome::Rejected | SampleOutcome::Expired)
}

fn sample_text(sample: &Sample) -> String {
    let Sample { partition, offset, time, .. } = sample;
    format!("    {partition}/{offset}  {time}  {}", sample_text::fate(sample, "        "))
}

/// How many records have each outcome, and each reason to be rejected.
fn summary(samples: &[&Sample]) -> String {
    let mut counts = BTreeMap::<(SampleOutcome, Option<&str>), u64>::new();
    for sample in samples {
        *counts.entry((sample.outcome, sample.reason)).or_default() += 1;
    }
    let part = |((outcome, reason), number): (&(SampleOutcome, Option<&str>), &u64)| {
        sample_text::counted(*outcome, *reason, *number)
    };
    counts.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SampleEntry;

    fn sample(outcome: SampleOutcome, reason: Option<&'static str>) -> Sample {
        let (table, time) = ("services".into(), "2026-01-01T00:00:00.000Z".into());
        let (detail, deleted_key, expired, entry) = (None, None, None, None);
        let (partition, offset) = (0, 7);
        Sample {
            table,
            partition,
            offset,
            time,
            outcome,
            reason,
            detail,
            deleted_key,
            expired,
            entry,
        }
    }

    fn topic(samples: Vec<Sample>) -> TopicReport {
        TopicReport {
            topic: "events".into(),
            tables: vec!["services".into()],
            log: None,
            fault: None,
            samples,
        }
    }

    #[test]
    fn what_would_become_of_each_record_is_shown_and_summed_up() {
        let mut stored = sample(SampleOutcome::Stored, None);
        let fields = [("description".to_owned(), "a\u{1b}b".into())].into();
        stored.entry = Some(SampleEntry { key: "svc-1".into(), fields, expires: "then".into() });
        let rejected = || sample(SampleOutcome::Rejected, Some("missing_key"));
        let text = topic_text(&topic(vec![stored, rejected(), rejected()]));
        for part in [
            "stored under \"svc-1\" until then\n        description = \"a\\u001bb\"\n",
            "0/7  2026-01-01T00:00:00.000Z  rejected: missing_key\n",
            "together: 1 stored, 2 rejected for missing_key\n",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
        assert!(!text.contains("NONE WOULD BE STORED"));
        let mut deletion = sample(SampleOutcome::Deleted, None);
        deletion.deleted_key = Some("svc-2".into());
        let text = topic_text(&topic(vec![deletion]));
        assert!(text.contains("deletes the entry under \"svc-2\"\n"), "{text}");
        let text = topic_text(&topic(vec![rejected()]));
        assert!(text.contains("NONE WOULD BE STORED"), "{text}");
    }

    #[test]
    fn a_topic_that_cannot_be_read_says_why_and_shows_no_records() {
        let fault = Some("it does not exist".to_owned());
        let text = topic_text(&TopicReport { fault, ..topic(vec![]) });
        assert_eq!(
            text,
            "\ntopic events, for table services\n  CANNOT BE READ: it does not exist\n"
        );
    }
}
