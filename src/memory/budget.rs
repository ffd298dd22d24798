//! The memory budget: the limit less what everything but the tables may take.
//!
//! Decided once, at the start, and shown as a sum, so that the one who sets the
//! limit sees where it goes.

use std::fmt;
use std::io;

use thiserror::Error;

use super::Mib;
use super::limit::{Limit, LimitSource};
use crate::config::{ByteSize, Capacity, Config, MemoryLimit};

/// Code, stacks, connections and the small answers on their way, in bytes. A service with
/// a few callers and nothing to do takes 15 MiB.
const FIXED_BYTES: u64 = 18 << 20;

/// What the allocator holds beside what was asked of it, as a part of the limit. Freed
/// pages may be more for a moment: near the limit they are given back at once.
const ALLOCATOR_PART: u64 = 16;

/// What the parts of the service need, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// What the Kafka client may hold at worst.
    pub kafka_bytes: u64,
    /// What plucking one large document takes at worst.
    pub large_document_bytes: u64,
    /// What plucking everything else takes at worst, in all threads.
    pub small_bytes: u64,
    /// The smallest capacity that a table works in.
    pub smallest_table_bytes: u64,
}

/// Who may take how much of the limit.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: Limit,
    reserves: Vec<Line>,
    tables: Vec<Line>,
}

/// One line of the sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub what: String,
    /// How many bytes.
    pub bytes: u64,
}

/// The sum does not come out.
#[derive(Debug, Error)]
pub enum OverBudget {
    /// The configured limit is more than there is.
    #[error(
        "memory.limit: {wanted} is more than there is, {} by {}; lower it, or write \"auto\"",
        ByteSize::bytes(.there_is.bytes), .there_is.source
    )]
    Limit {
        /// What is configured.
        wanted: ByteSize,
        /// What the container or the machine has.
        there_is: Limit,
    },
    /// What there is cannot be found out at the moment.
    #[error("memory.limit: the container's limit cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Nothing is left for tables.
    #[error(
        "memory.limit: the reserves take more than there is; raise the limit or lower \
         kafka.fetch_buffer, ingest.max_document, ingest.threads or rpc.buffer\n{0}"
    )]
    Reserves(Budget),
    /// The tables ask for more than is left.
    #[error(
        "tables: their capacities together are more than the memory budget; lower a \
         capacity, write it as a share such as \"60%\", or raise memory.limit\n{0}"
    )]
    Tables(Budget),
    /// A share of what is left is too little to work with.
    #[error(
        "tables: {table} is left less than {needs}; raise its capacity or memory.limit\n{budget}"
    )]
    TooSmall {
        /// The table's name.
        table: String,
        /// What a table needs.
        needs: ByteSize,
        /// The sum.
        budget: Budget,
    },
}

impl Budget {
    /// Does the sum.
    ///
    /// # Errors
    ///
    /// When it does not come out; the error shows it.
    pub fn plan(config: &Config, needs: Needs) -> Result<Self, OverBudget> {
        Self::plan_within(Self::limit_now(config)?, config, needs)
    }

    /// The limit that is configured, as things are at the moment.
    ///
    /// # Errors
    ///
    /// When it is more than there is, or what there is cannot be read.
    pub fn limit_now(config: &Config) -> Result<Limit, OverBudget> {
        limit(&config.memory.limit)
    }

    /// The same reserves within another limit, which has next to nothing left for tables.
    #[must_use]
    pub fn with_least(&self, limit: Limit) -> Self {
        let least = |table: &Line| Line { bytes: 0, ..table.clone() };
        let tables = self.tables.iter().map(least).collect();
        Self { limit, reserves: self.reserves.clone(), tables }
    }

    /// Does the sum for a limit that is known.
    ///
    /// # Errors
    ///
    /// As [`Self::plan`].
    pub fn plan_within(limit: Limit, config: &Config, needs: Needs) -> Result<Self, OverBudget> {
        let reserves = vec![
            line("kafka fetch buffers (kafka.fetch_buffer)", needs.kafka_bytes),
            line(
                "parsing large documents, one at a time (by ingest.max_document)",
                needs.large_document_bytes,
            ),
            line("parsing the rest (by ingest.threads)", needs.small_bytes),
            line("rpc response buffers (rpc.buffer)", config.rpc.buffer.as_u64()),
            line("code, stacks, connections", FIXED_BYTES),
            line("allocator slack (a sixteenth of the limit)", limit.bytes / ALLOCATOR_PART),
        ];
        Self { limit, reserves, tables: Vec::new() }.with_tables(config, needs.smallest_table_bytes)
    }

    fn with_tables(mut self, config: &Config, smallest_bytes: u64) -> Result<Self, OverBudget> {
        let Some(budget_bytes) = self.limit.bytes.checked_sub(total(&self.reserves)) else {
            return Err(OverBudget::Reserves(self));
        };
        let table = |table: &crate::config::Table| {
            let bytes = match table.capacity {
                Capacity::Bytes(bytes) => bytes,
                Capacity::Share(share) => share.of(budget_bytes),
            };
            line(format!("table {} (capacity {})", table.name, table.capacity), bytes)
        };
        self.tables = config.tables.iter().map(table).collect();
        if total(&self.tables) > budget_bytes {
            return Err(OverBudget::Tables(self));
        }
        let small = self.tables.iter().position(|table| table.bytes < smallest_bytes);
        match small.and_then(|index| config.tables.get(index)) {
            Some(table) => Err(OverBudget::TooSmall {
                table: table.name.clone(),
                needs: ByteSize::bytes(smallest_bytes),
                budget: self,
            }),
            None => Ok(self),
        }
    }

    /// What the process keeps to.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Every line of the sum: the reserves, then the tables.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.reserves.iter().chain(&self.tables)
    }

    /// What each table may hold, in bytes, in the order of the configuration.
    pub fn capacities(&self) -> impl Iterator<Item = &u64> {
        self.tables.iter().map(|table| &table.bytes)
    }

    /// Says the sum in the log, a line each.
    pub fn log(&self) {
        let bytes = self.limit.bytes;
        tracing::info!(bytes, source = %self.limit.source, "memory limit");
        for line in self.lines() {
            tracing::info!(bytes = line.bytes, what = line.what, "memory budget");
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12}  limit ({})", mib(self.limit.bytes), self.limit.source)?;
        for line in &self.reserves {
            writeln!(f, "{:>12}  {}", format!("- {}", mib(line.bytes)), line.what)?;
        }
        let left = i128::from(self.limit.bytes) - i128::from(total(&self.reserves));
        let sign = if left < 0 { "-" } else { "" };
        let left = u64::try_from(left.unsigned_abs()).unwrap_or(u64::MAX);
        write!(f, "{:>12}  for tables", format!("= {sign}{}", mib(left)))?;
        for line in &self.tables {
            write!(f, "\n{:>12}  {}", mib(line.bytes), line.what)?;
        }
        Ok(())
    }
}

fn limit(wanted: &MemoryLimit) -> Result<Limit, OverBudget> {
    let there_is = Limit::detect()?;
    match *wanted {
        MemoryLimit::Auto => Ok(there_is),
        MemoryLimit::Share(share) => Ok(Limit { bytes: share.of(there_is.bytes), ..there_is }),
        MemoryLimit::Bytes(bytes) if bytes > there_is.bytes => {
            Err(OverBudget::Limit { wanted: ByteSize::bytes(bytes), there_is })
        }
        MemoryLimit::Bytes(bytes) => Ok(Limit { bytes, source: LimitSource::Configured }),
    }
}

fn line(what: impl Into<String>, bytes: u64) -> Line {
    Line { what: what.into(), bytes }
}

fn total(lines: &[Line]) -> u64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.bytes))
}

fn mib(bytes: u64) -> String {
    Mib(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[&str]) -> Config {
        let basics = [
            "kafka.brokers=localhost:9092",
            "kafka.fetch_buffer=32MiB",
            "ingest.threads=2",
            "ingest.max_document=1MiB",
            "rpc.buffer=8MiB",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
        ];
        let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
        Config::load(None, [], &settings).unwrap()
    }

    fn plan(settings: &[&str]) -> Result<Budget, OverBudget> {
        let needs = Needs {
            kafka_bytes: 32 << 20,
            large_document_bytes: 29 << 20,
            small_bytes: 6 << 20,
            smallest_table_bytes: 64 << 10,
        };
        Budget::plan(&config(settings), needs)
    }

    #[test]
    fn what_is_left_of_the_limit_is_for_the_tables() {
        let budget = plan(&["memory.limit=256MiB", "tables.0.capacity=50%"]).unwrap();
        let reserves = (32 + 29 + 6 + 8 + 18 + 16) << 20;
        let left = (256 << 20) - reserves;
        assert_eq!(budget.capacities().collect::<Vec<_>>(), [&(left / 2)]);
    }

    #[test]
    fn a_limit_above_what_there_is_is_refused() {
        let error = plan(&["memory.limit=100000TiB"]).unwrap_err();
        assert!(error.to_string().contains("100000TiB is more than there is"), "{error}");
    }

    #[test]
    fn a_limit_below_the_reserves_is_refused_with_the_sum() {
        let error = plan(&["memory.limit=64MiB"]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OverBudget::Reserves(_)), "{text}");
        assert!(text.contains("memory.limit") && text.contains("kafka.fetch_buffer"), "{text}");
        assert!(text.contains("8.0 MiB  rpc response buffers (rpc.buffer)"), "{text}");
    }

    #[test]
    fn a_capacity_above_what_is_left_is_refused_with_the_sum() {
        let error = plan(&["memory.limit=250MiB", "tables.0.capacity=200MiB"]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OverBudget::Tables(_)), "{text}");
        assert!(text.contains("table services (capacity 200MiB)"), "{text}");
    }

    #[test]
    fn a_table_that_is_left_next_to_nothing_is_refused() {
        let error = plan(&["memory.limit=250MiB", "tables.0.capacity=0.01%"]).unwrap_err();
        assert!(matches!(error, OverBudget::TooSmall { .. }), "{error}");
    }
}
