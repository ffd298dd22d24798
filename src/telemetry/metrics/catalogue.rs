//! Every metric: its name, its kind, its labels, and what it means.
//!
//! The table of metrics in `README.md` is written from this list, and a scrape writes what is in it and
//! nothing else. Each label has a closed set of values, except those that the configuration names
//! (`table`, `topic`) and `partition`, which grows with the topics. Every series is there from the
//! start.

use super::metric::{Description, Kind, Metric};

/// Declares each metric as a constant, and lists them all.
macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            pub(super) const $constant: Metric<{ <[&str]>::len(&[$($label),*]) }> = Metric {
                description: Description {
                    name: $name,
                    kind: Kind::$kind,
                    labels: &[$($label),*],
                    help: $help,
                },
                labels: [$($label),*],
            };
        )*

        /// Every metric, in the order of a scrape.
        pub const ALL: &[Description] = &[$($constant.description),*];
    };
}

metrics! {
    // The process.
    BUILD: Info "millpond_build_info" ["version", "librdkafka_version"]
        "The program that is running";
    CONFIG: Info "millpond_config_info" ["digest"]
        "The digest of the effective configuration, without secrets: equal for two replicas with the \
         same configuration";
    READY: Gauge "millpond_ready" []
        "1 if every table has caught up with its stream once, or else 0";
    UPTIME: Gauge "millpond_uptime_seconds" []
        "The time since the service was started";
    START_TIME: Gauge "process_start_time_seconds" []
        "When the service was started, in seconds since 1970";
    CPU: Counter "process_cpu_seconds_total" []
        "CPU time of all threads, in user and system mode";
    RESIDENT: Gauge "process_resident_memory_bytes" []
        "Resident set size of the process";
    THREADS: Gauge "process_threads" []
        "Threads of the process";
    OPEN_FILES: Gauge "process_open_fds" []
        "Open files of the process, with sockets";
    MAX_OPEN_FILES: Gauge "process_max_fds" []
        "The most files that the process may have open; 0 if there is no limit";

    // Memory.
    MEMORY: Gauge "millpond_memory_bytes" ["type"]
        "Memory by type, as measured. The types add up to the resident set and the untouched bytes";
    UNTOUCHED: Gauge "millpond_memory_untouched_bytes" []
        "Bytes that are allocated and were never written to, so that they are not resident";
    MEMORY_LIMIT: Gauge "millpond_memory_limit_bytes" []
        "The memory limit that the process keeps to";
    MEMORY_USED: Gauge "millpond_memory_used_bytes" []
        "The memory that counts against the limit: all that the container is charged for, or else the \
         resident set";
    PRESSURE: Gauge "millpond_memory_pressure" ["stage"]
        "1 for the current stage of memory pressure, 0 for the others";
    PRESSURE_ENTERED: Counter "millpond_memory_pressure_entered_total" ["stage"]
        "How often each stage of memory pressure was entered";
    BUDGET: Gauge "millpond_memory_budget_bytes" ["purpose"]
        "How the limit is divided: the reserves, and what is left for tables";
    HEAP: Gauge "millpond_heap_bytes" ["state"]
        "What the allocator counts: allocated, in active pages, in pages that may be resident, and \
         address space that is retained without memory";

    // Tables.
    TABLE_READY: Gauge "millpond_table_ready" ["table"]
        "1 if the table has caught up with its stream once, or else 0";
    TABLE_STALENESS: Gauge "millpond_table_staleness_seconds" ["table"]
        "How long ago the table was last known to hold all that its partitions had; +Inf before it \
         was, and while a partition that was added is not read to its end";
    TABLE_LOADING: Gauge "millpond_table_loading_records" ["table", "state"]
        "Records of the backlog that were read and that remain, by their offsets; 0 once the table \
         has caught up";
    TABLE_ENTRIES: Gauge "millpond_table_entries" ["table"]
        "Entries, with those that have expired and are not removed yet";
    TABLE_WEIGHT: Gauge "millpond_table_weight_bytes" ["table"]
        "What the table weighs by calculation: entries and their overhead, and ghost entries";
    TABLE_MEASURED: Gauge "millpond_table_measured_bytes" ["table"]
        "What the table takes, as measured by the allocator";
    TABLE_GHOSTS: Gauge "millpond_table_ghost_bytes" ["table"]
        "What the ghost entries take of the weight";
    TABLE_CAPACITY: Gauge "millpond_table_capacity_bytes" ["table"]
        "The most that the table may weigh while memory is not short";
    TABLE_LIMIT: Gauge "millpond_table_limit_bytes" ["table"]
        "The most that the table may weigh at the moment: less than its capacity while memory is short";
    TABLE_NEWEST: Gauge "millpond_table_newest_record_time_seconds" ["table"]
        "The newest timestamp of the stored records, in seconds since 1970; 0 before the first record";
    HITS: Counter "millpond_table_hits_total" ["table"]
        "Lookups of a key that found an entry";
    MISSES: Counter "millpond_table_misses_total" ["table", "reason"]
        "Lookups of a key that found no entry, by reason";
    STORED: Counter "millpond_table_stored_total" ["table"]
        "Entries that were stored, with those that replaced another. Less all removals, these are the \
         entries";
    PLUCKED: Counter "millpond_table_plucked_bytes_total" ["table"]
        "Bytes of the keys and fields that were stored";
    REMOVALS: Counter "millpond_table_removals_total" ["table", "cause"]
        "Entries that left the table, by cause";

    // Records.
    RECORDS: Counter "millpond_records_total" ["table", "outcome"]
        "Records that were handled, by outcome. Tombstones that deleted nothing and records that were \
         superseded are outcomes too";
    REJECTIONS: Counter "millpond_rejections_total" ["table", "reason"]
        "Rejected records, by reason";
    PAYLOAD: Counter "millpond_payload_bytes_total" ["table"]
        "Bytes of the payloads that were handled";
    RETENTION_GAPS: Counter "millpond_retention_gap_records_total" ["table"]
        "Offsets that retention removed before they were read";
    DEAD_LETTERS: Counter "millpond_dead_letters_total" ["result"]
        "Rejected records that were sent to dead-letter topics, by result";
    MISMATCHES: Counter "millpond_balance_mismatches_total" []
        "How often the counters of a partition or a table were found not to balance. Above 0, millpond \
         has a bug";
    POSITION: Gauge "millpond_partition_position" ["table", "topic", "partition"]
        "The offset of the next record to handle";
    HIGH_WATERMARK: Gauge "millpond_partition_high_watermark" ["table", "topic", "partition"]
        "The offset after the newest record that the broker is known to have";
    LAG: Gauge "millpond_partition_lag_records" ["table", "topic", "partition"]
        "Records between the position and the high watermark";
    PARTITION_STALENESS: Gauge "millpond_partition_staleness_seconds" ["table", "topic", "partition"]
        "How long ago the table was last known to hold all that the partition had; +Inf before it was";
    OPEN_TRANSACTION: Gauge "millpond_partition_open_transaction" ["table", "topic", "partition"]
        "1 while a transaction is open in the partition, behind whose beginning nothing can be read, or \
         else 0";

    // Kafka.
    TOPIC_STATE: Gauge "millpond_topic_state" ["topic", "state"]
        "1 for the current state of the topic, 0 for the others";
    TOPIC_RECREATED: Counter "millpond_topic_recreated_total" ["table"]
        "How often a partition was read again from its beginning, because its topic was recreated";
    CLIENT_RECREATED: Counter "millpond_kafka_client_recreated_total" ["table"]
        "How often a Kafka client was replaced, because a partition had stalled";
    BROKERS: Gauge "millpond_kafka_brokers" ["state"]
        "Brokers by the state of the best connection to them";
    OUTAGE: Gauge "millpond_kafka_outage_seconds" []
        "How long some Kafka client has had no broker that answers; 0 while each has one";
    CLOCK_STEPS: Counter "millpond_clock_steps_total" []
        "How often the system's clock was set by a second or more";
    CLOCK_BEHIND: Gauge "millpond_clock_behind_seconds" []
        "How far the clock by which entries expire is behind the system's clock; negative if it is \
         ahead";

    // The gRPC port.
    CALLS_STARTED: Counter "grpc_server_started_total" ["grpc_type", "grpc_service", "grpc_method"]
        "Calls whose headers came. Calls of what is no method have the service and the method unknown";
    CALLS_HANDLED: Counter "grpc_server_handled_total"
        ["grpc_type", "grpc_service", "grpc_method", "grpc_code"]
        "Calls that ended, by status code, with those that were denied or shed. Canceled also stands \
         for a caller who left before the answer";
    CALL_DURATIONS: Histogram "grpc_server_handling_seconds"
        ["grpc_type", "grpc_service", "grpc_method"]
        "How long the calls took that ended, from the arrival of the headers until the transport has \
         the whole response";
    OPEN_CALLS: Gauge "millpond_rpc_open_calls" []
        "Calls that are open";
    OPEN_CONNECTIONS: Gauge "millpond_rpc_open_connections" []
        "Connections that are open";
    ACCEPTED: Counter "millpond_rpc_accepted_connections_total" []
        "Connections that got a place";
    REFUSED: Counter "millpond_rpc_refused_connections_total" []
        "Connections that got no place, because their peer had as many as it may";
    CLOSED: Counter "millpond_rpc_closed_connections_total" ["reason"]
        "Connections that were closed, by reason";
    SHED: Counter "millpond_rpc_shed_calls_total" ["cause"]
        "Calls that were shed, by cause";
    POOL: Gauge "millpond_rpc_pool_bytes" []
        "The size of the byte pool";
    POOL_HELD: Gauge "millpond_rpc_pool_held_bytes" []
        "What callers hold of the byte pool";
    DROPPED: Counter "millpond_rpc_dropped_bytes_total" []
        "Bytes of responses that were dropped because memory was short";
    DENIED: Counter "millpond_rpc_denied_calls_total" ["reason"]
        "Calls that were denied, by reason";
    CREDENTIALS: Gauge "millpond_access_credentials" ["source"]
        "Tokens in the file of tokens, and keys of JWTs, that can be used";
    CREDENTIAL_FAILURES: Counter "millpond_access_failed_reloads_total" ["source"]
        "How often the file of tokens or the keys of JWTs could not be read or were bad";

    // TLS. Without TLS a port has no series.
    CERTIFICATE_EXPIRY: Gauge "millpond_tls_certificate_expiry_time_seconds" ["port", "role"]
        "When the first certificate of this role expires, in seconds since 1970. A port has these \
         series if it has TLS, and the role client_ca if it asks clients for certificates";
    HANDSHAKES: Counter "millpond_tls_handshakes_total" ["port", "outcome"]
        "TLS handshakes, by outcome";
    TLS_GENERATION: Gauge "millpond_tls_generation" ["port"]
        "Sets of certificate files that were put in use; 1 is that of the start";
    TLS_FAILURES: Counter "millpond_tls_failed_reloads_total" ["port"]
        "Changes of certificate files that were refused because something was wrong with them";

    // What is sent to a collector.
    EXPORTED_SPANS: Counter "millpond_otlp_spans_total" ["result"]
        "Spans of sampled calls by what became of them: sent, without room in the queue, rejected by \
         the collector, or failed because it was away or late";
    EXPORTED_METRICS: Counter "millpond_otlp_metrics_total" ["result"]
        "How often all metrics were sent to the collector, or failed to be";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_metric_has_a_name_of_its_own_that_fits_its_kind() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            let has = |suffix| metric.name.ends_with(suffix);
            assert_eq!(metric.kind == Kind::Counter, has("_total"), "{metric:?}");
            assert_eq!(metric.kind == Kind::Info, has("_info"), "{metric:?}");
            assert!(metric.kind != Kind::Histogram || has("_seconds"), "{metric:?}");
        }
    }

    #[test]
    fn help_is_one_line_of_plain_text_without_a_full_stop() {
        for metric in ALL {
            let help = metric.help;
            assert!(!help.contains(['\n', '|', '\\', '`']) && !help.ends_with('.'), "{help}");
        }
    }
}
