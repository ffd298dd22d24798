//! The memory budget: the limit, less the reserves for everything but the tables.
//!
//! Planned at the start, and again when the container's limit changes while the process
//! runs. Printed as a sum, so that whoever sets the limit sees where it goes. Knows the
//! configuration; the needs of the other parts come in as numbers.

use std::fmt;
use std::io;

use thiserror::Error;

use super::limit::{Limit, LimitSource};
use super::mib::Mib;
use super::purpose::Purpose;
use crate::config::{ByteSize, Capacity, Config, MemoryLimit, Table};

/// Code, stacks and what the parts keep. An idle service takes 15 MiB.
const FIXED_BYTES: u64 = 15 << 20;

/// The allocator holds more than is allocated from it. The reserve for that is the limit
/// divided by this. Freed pages may take more for a moment: under pressure they are purged. It is
/// more than the part of the limit above which entries are evicted, so that nothing is evicted
/// where the stream, the callers and the tables are all at their limits at once.
const ALLOCATOR_DIVISOR: u64 = 12;

/// How much memory the parts of the service need, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// The most that the Kafka client may hold.
    pub kafka_bytes: u64,
    /// The most that the statistics of the Kafka client take.
    pub statistics_bytes: u64,
    /// The most that plucking documents takes, in all threads together.
    pub documents_bytes: u64,
    /// The most that the connections of callers take.
    pub connections_bytes: u64,
    /// The most that their calls take, with requests and responses that are small.
    pub streams_bytes: u64,
    /// What the admin port keeps of the past, and the most that its answers take.
    pub admin_bytes: u64,
    /// The most that traces and metrics take which are sent to a collector. 0 if none are.
    pub telemetry_bytes: u64,
    /// The smallest capacity that a table works with.
    pub smallest_table_bytes: u64,
}

/// How the limit is divided.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: Limit,
    reserves: Vec<Line>,
    tables: Vec<Line>,
}

/// One line of the budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The purpose of the memory.
    pub purpose: Purpose,
    /// The amount, in bytes.
    pub bytes: u64,
}

/// Why a budget cannot be planned.
#[derive(Debug, Error)]
pub enum BudgetError {
    /// The configured limit is more than the container or the machine has.
    #[error(
        "memory.limit: {wanted} is more than there is, {} by {}; lower it, or write \"auto\"",
        ByteSize::bytes(.available.bytes), .available.source
    )]
    LimitAboveAvailable {
        /// The configured limit.
        wanted: ByteSize,
        /// The limit of the container or the memory of the machine.
        available: Limit,
    },
    /// The container's limit cannot be read at the moment.
    #[error("memory.limit: the container's limit cannot be read: {0}")]
    LimitUnreadable(#[from] io::Error),
    /// The reserves leave nothing for tables.
    #[error(
        "memory.limit: the reserves take more than there is; raise the limit or lower \
         kafka.fetch_buffer, ingest.max_document, ingest.threads, rpc.max_connections, rpc.max_streams, \
         rpc.pool, rpc.watch_buffer or otlp.queue, set admin.history to false, or leave out admin.token_file\n{0}"
    )]
    ReservesAboveLimit(Budget),
    /// The capacities of the tables add up to more than the reserves leave.
    #[error(
        "tables: their capacities together are more than the memory budget; lower a \
         capacity, write it as a share such as \"60%\", or raise memory.limit\n{0}"
    )]
    CapacitiesAboveBudget(Budget),
    /// A table's capacity is too small to work with.
    #[error(
        "tables: {table} is left less than {needs}; raise its capacity or memory.limit\n{budget}"
    )]
    TableTooSmall {
        /// The table's name.
        table: String,
        /// The smallest capacity that a table works with.
        needs: ByteSize,
        /// The whole budget.
        budget: Budget,
    },
}

impl Budget {
    /// The limit that the configuration gives on this machine at this moment.
    ///
    /// # Errors
    ///
    /// When the configured limit is more than there is, or the container's limit cannot be
    /// read.
    pub fn current_limit(config: &Config) -> Result<Limit, BudgetError> {
        let available = Limit::detect()?;
        match config.memory.limit {
            MemoryLimit::Auto => Ok(available),
            MemoryLimit::Share(share) => {
                Ok(Limit { bytes: share.of(available.bytes), ..available })
            }
            MemoryLimit::Bytes(bytes) if bytes > available.bytes => {
                let wanted = ByteSize::bytes(bytes);
                Err(BudgetError::LimitAboveAvailable { wanted, available })
            }
            MemoryLimit::Bytes(bytes) => Ok(Limit { bytes, source: LimitSource::Configured }),
        }
    }

    /// Divides a given limit.
    ///
    /// # Errors
    ///
    /// When the needs and the capacities do not fit into the limit; the error shows the sum.
    pub fn plan_within(limit: Limit, config: &Config, needs: Needs) -> Result<Self, BudgetError> {
        let reserves = [
            line(Purpose::KafkaFetch, needs.kafka_bytes),
            line(Purpose::KafkaStatistics, needs.statistics_bytes),
            line(Purpose::Documents, needs.documents_bytes),
            line(Purpose::RpcConnections, needs.connections_bytes),
            line(Purpose::RpcStreams, needs.streams_bytes),
            line(Purpose::RpcPool, config.rpc.pool.get().as_u64()),
            line(Purpose::RpcWatch, config.rpc.watch_buffer.get().as_u64()),
            line(Purpose::Admin, needs.admin_bytes),
        ];
        let telemetry = Some(needs.telemetry_bytes).filter(|bytes| *bytes > 0);
        let telemetry = telemetry.map(|bytes| line(Purpose::Telemetry, bytes));
        let rest = [
            line(Purpose::Fixed, FIXED_BYTES),
            line(Purpose::Allocator, limit.bytes / ALLOCATOR_DIVISOR),
        ];
        let reserves = reserves.into_iter().chain(telemetry).chain(rest).collect();
        Self { limit, reserves, tables: Vec::new() }.with_tables(config, needs.smallest_table_bytes)
    }

    fn with_tables(mut self, config: &Config, smallest_bytes: u64) -> Result<Self, BudgetError> {
        let Some(budget_bytes) = self.limit.bytes.checked_sub(total(&self.reserves)) else {
            return Err(BudgetError::ReservesAboveLimit(self));
        };
        self.tables = config.tables.iter().map(|table| table_line(table, budget_bytes)).collect();
        if total(&self.tables) > budget_bytes {
            return Err(BudgetError::CapacitiesAboveBudget(self));
        }
        let too_small = self.tables.iter().position(|table| table.bytes < smallest_bytes);
        match too_small.and_then(|index| config.tables.get(index)) {
            Some(table) => Err(BudgetError::TableTooSmall {
                table: table.name.clone(),
                needs: ByteSize::bytes(smallest_bytes),
                budget: self,
            }),
            None => Ok(self),
        }
    }

    /// The same reserves within another limit, and a capacity of 0 for each table. A table
    /// raises that to the smallest capacity that it works with.
    #[must_use]
    pub fn with_no_capacities(&self, limit: Limit) -> Self {
        let empty = |table: &Line| Line { bytes: 0, ..table.clone() };
        let tables = self.tables.iter().map(empty).collect();
        Self { limit, reserves: self.reserves.clone(), tables }
    }

    /// The limit that this budget divides.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Every line: the reserves, then the tables.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.reserves.iter().chain(&self.tables)
    }

    /// The capacity of each table, in bytes, in the order of the configuration.
    pub fn capacities(&self) -> impl Iterator<Item = &u64> {
        self.tables.iter().map(|table| &table.bytes)
    }

    /// The budget in one line: the reserves, and then what the tables get.
    pub fn in_one_line(&self) -> String {
        let part = |line: &Line| format!("{} {}", Mib(line.bytes), line.purpose);
        let parts = |lines: &[Line]| lines.iter().map(part).collect::<Vec<_>>().join(", ");
        format!("reserves: {}; tables: {}", parts(&self.reserves), parts(&self.tables))
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12}  limit ({})", Mib(self.limit.bytes), self.limit.source)?;
        for line in &self.reserves {
            writeln!(f, "{:>12}  {}", format!("- {}", Mib(line.bytes)), line.purpose)?;
        }
        let left = i128::from(self.limit.bytes) - i128::from(total(&self.reserves));
        let sign = if left < 0 { "-" } else { "" };
        let left = u64::try_from(left.unsigned_abs()).unwrap_or(u64::MAX);
        write!(f, "{:>12}  for tables", format!("= {sign}{}", Mib(left)))?;
        for line in &self.tables {
            write!(f, "\n{:>12}  {}", Mib(line.bytes), line.purpose)?;
        }
        Ok(())
    }
}

fn table_line(table: &Table, budget_bytes: u64) -> Line {
    let bytes = match table.capacity {
        Capacity::Bytes(bytes) => bytes,
        Capacity::Share(share) => share.of(budget_bytes),
    };
    line(Purpose::Table { name: table.name.clone(), capacity: table.capacity }, bytes)
}

fn line(purpose: Purpose, bytes: u64) -> Line {
    Line { purpose, bytes }
}

fn total(lines: &[Line]) -> u64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.bytes))
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
            "rpc.pool=8MiB",
            "rpc.watch_buffer=2MiB",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
        ];
        let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
        Config::load(None, [], &settings).unwrap()
    }

    fn plan(settings: &[&str]) -> Result<Budget, BudgetError> {
        let needs = Needs {
            kafka_bytes: 32 << 20,
            statistics_bytes: 2 << 20,
            documents_bytes: 35 << 20,
            connections_bytes: 4 << 20,
            streams_bytes: 3 << 20,
            admin_bytes: 1 << 20,
            telemetry_bytes: 5 << 20,
            smallest_table_bytes: 64 << 10,
        };
        let config = config(settings);
        Budget::plan_within(Budget::current_limit(&config)?, &config, needs)
    }

    #[test]
    fn the_tables_get_what_the_reserves_leave_of_the_limit() {
        let budget = plan(&["memory.limit=256MiB", "tables.0.capacity=50%"]).unwrap();
        let reserves = (32 + 2 + 35 + 4 + 3 + 8 + 2 + 1 + 5 + 15) << 20;
        let left = (256 << 20) - reserves - (256 << 20) / 12;
        assert_eq!(budget.capacities().collect::<Vec<_>>(), [&(left / 2)]);
    }

    #[test]
    fn the_budget_in_one_line_has_every_purpose() {
        let budget = plan(&["memory.limit=256MiB", "tables.0.capacity=64MiB"]).unwrap();
        let text = budget.in_one_line();
        assert!(!text.contains('\n'));
        assert!(text.starts_with("reserves: 32.0 MiB kafka fetch buffers"), "{text}");
        assert!(text.ends_with("; tables: 64.0 MiB table services (capacity 64MiB)"), "{text}");
        for line in budget.lines() {
            assert!(text.contains(&line.purpose.to_string()), "{text}");
        }
    }

    #[test]
    fn a_limit_above_the_available_memory_is_refused() {
        let error = plan(&["memory.limit=100000TiB"]).unwrap_err();
        assert!(error.to_string().contains("100000TiB is more than there is"), "{error}");
    }

    #[test]
    fn a_limit_below_the_reserves_is_refused_with_the_sum() {
        let error = plan(&["memory.limit=64MiB"]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, BudgetError::ReservesAboveLimit(_)), "{text}");
        assert!(text.contains("memory.limit") && text.contains("kafka.fetch_buffer"), "{text}");
        assert!(text.contains("8.0 MiB  rpc byte pool (rpc.pool)"), "{text}");
    }

    #[test]
    fn a_capacity_above_the_budget_is_refused_with_the_sum() {
        let error = plan(&["memory.limit=250MiB", "tables.0.capacity=200MiB"]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, BudgetError::CapacitiesAboveBudget(_)), "{text}");
        assert!(text.contains("table services (capacity 200MiB)"), "{text}");
    }

    #[test]
    fn a_capacity_too_small_for_a_table_is_refused() {
        let error = plan(&["memory.limit=250MiB", "tables.0.capacity=0.01%"]).unwrap_err();
        assert!(matches!(error, BudgetError::TableTooSmall { .. }), "{error}");
    }
}
