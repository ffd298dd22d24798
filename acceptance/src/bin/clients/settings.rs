//! The tables, and the settings of the services that have them.

/// A table. Its topic has the same name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    ttl: &'static str,
    capacity: &'static str,
}

/// Keeps entries for longer than any test takes.
pub(crate) const LIVE: Table = Table { name: "live", ttl: "1h", capacity: "96MiB" };
/// Entries expire while a test waits.
const BRIEF: Table = Table { name: "brief", ttl: "2s", capacity: "8MiB" };
/// Entries are evicted soon.
const SMALL: Table = Table { name: "small", ttl: "1h", capacity: "1MiB" };
/// The table of the README's ten lines.
pub(crate) const README: Table = Table { name: "services", ttl: "1h", capacity: "8MiB" };

/// Those of the service under control.
pub(crate) const CONTROLLED: [Table; 3] = [LIVE, BRIEF, SMALL];
/// All that have a topic.
pub(crate) const ALL: [Table; 4] = [LIVE, BRIEF, SMALL, README];

/// The settings of a service that listens for calls at `rpc`.
pub(crate) fn settings(brokers: &str, rpc: &str, tables: &[Table]) -> Vec<String> {
    let mut settings = vec![
        format!("kafka.brokers={brokers}"),
        // The in-process broker answers a fetch that waits when its time is over, and not earlier.
        "kafka.properties.fetch.wait.max.ms=20".into(),
        "memory.limit=512MiB".into(),
        "ingest.threads=1".into(),
        // The in-process broker finds no offsets by time.
        "ingest.start=earliest".into(),
        format!("rpc.listen={rpc}"),
        "admin.listen=127.0.0.1:0".into(),
    ];
    for (index, table) in tables.iter().enumerate() {
        let keys = [
            ("name", table.name),
            ("topic", table.name),
            ("key", "/id"),
            ("fields.name", "/name"),
            ("fields.size", "/size"),
            ("fields.data", "/data"),
            ("ttl", table.ttl),
            ("capacity", table.capacity),
        ];
        settings.extend(keys.map(|(key, value)| format!("tables.{index}.{key}={value}")));
    }
    settings
}
