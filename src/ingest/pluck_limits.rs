//! What a message may be at most, and how much memory plucking messages takes at worst.

use super::batch::{Batch, PolledRecord};
use crate::config::{self, Config};
use crate::pluck::Limits;
use crate::table::MAX_ENTRY_BYTES;

/// The most bytes that plucking takes under this configuration, in all threads together. Each thread
/// has a scratch for each record of a batch, for all its tables. Only the first is for records that
/// are not small.
pub fn scratch_bytes(config: &Config) -> u64 {
    let fields = config.tables.iter().map(|table| table.fields.len()).max().unwrap_or(0);
    let thread_bytes = limits(&config.ingest).scratch_bytes(fields) + BATCH_BYTES;
    config.ingest.threads.get().saturating_mul(thread_bytes) as u64
}

/// What plucking the small records of a batch takes: the values, in buffers that double.
const BATCH_BYTES: usize = Batch::MAX_RECORDS * 3 * PolledRecord::SMALL_BYTES;

/// What a message may be at most.
pub(super) fn limits(config: &config::Ingest) -> Limits {
    Limits {
        max_document_bytes: config.max_document.as_usize(),
        max_key_bytes: config.max_key.as_usize(),
        // No table takes more, and it is for the table to say what it takes.
        max_values_bytes: usize::try_from(MAX_ENTRY_BYTES).unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(settings: &[&str]) -> u64 {
        let basics = [
            "kafka.brokers=localhost:9092",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
            "ingest.threads=2",
        ];
        let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
        scratch_bytes(&Config::load(None, [], &settings).unwrap())
    }

    #[test]
    fn every_thread_takes_an_entry_and_little_for_the_document() {
        let two = bytes(&[]);
        assert!((2 << 20..4 << 20).contains(&two), "{two}");
        assert_eq!(bytes(&["ingest.threads=3"]), two / 2 * 3);
        let larger = bytes(&["ingest.max_document=4MiB"]);
        assert_eq!(larger - two, 2 * 3 * (3 << 20) / 8);
    }
}
