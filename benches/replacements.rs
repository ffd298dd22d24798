//! The memory of a table after loading, and after many times as many replacements: it must not
//! grow.
//!
//! `cargo bench -p millpond-benches --bench replacements -- --store compact --entries 1000000 --replacements 20000000`
//!
//! One process with one thread, which inserts records as they come from plucking. It fails if the
//! resident set has grown by more than a twentieth.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use millpond::clock::Clock;
use millpond::config::Store;
use millpond::heap::{self, Account};
use millpond::memory;
use millpond::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Value};
use millpond::table::{Maintenance, Spec, Table};
use millpond_acceptance::report::say;

/// The largest allowed resident set after the replacements, in thousandths of that before.
const MOST_THOUSANDTHS: u64 = 1_050;
const AN_HOUR: Duration = Duration::from_secs(3_600);
/// Maintenance is done when nothing has changed for so long: it looks many times as often.
const QUIET: Duration = Duration::from_millis(500);

#[derive(Debug, Parser)]
struct Args {
    /// Entries to load
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Records, each of which replaces a random entry
    #[arg(long, default_value_t = 20_000_000)]
    replacements: u64,
    /// The store: moka or compact
    #[arg(long, default_value = "moka")]
    store: String,
    /// Capacity of the table in MiB
    #[arg(long, default_value_t = 8 << 10)]
    capacity_mib: u64,
    /// Bytes of a key
    #[arg(long, default_value_t = 36)]
    key_bytes: usize,
    /// Bytes of an entry's text
    #[arg(long, default_value_t = 64)]
    text_bytes: usize,
    /// Passed by cargo, without effect
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let store_kind = match args.store.as_str() {
        "moka" => Store::Moka,
        "compact" => Store::Compact,
        other => anyhow::bail!("there is no store {other}: use moka or compact"),
    };
    let account = Account::open()?;
    let table = Arc::new(Table::new(Spec {
        name: "services".into(),
        fields: vec!["description".into()],
        ttl: AN_HOUR,
        ranked_by: RankedBy::Time,
        capacity_bytes: args.capacity_mib << 20,
        store: store_kind,
        changes_bytes: 0,
        account: account.clone(),
        clock: Clock::start(),
    }));
    let _maintenance = Maintenance::spawn(vec![Arc::clone(&table)], &Account::open()?)?;
    let mut fields = FieldsBuffer::default();
    fields.push(Some(Value::Text(&"x".repeat(args.text_bytes))));

    let start = Instant::now();
    (0..args.entries).for_each(|number| store(&table, &args, &fields, number));
    let loaded = settled_rss(&table);
    report(&args, "loaded", args.entries, start.elapsed(), &table, loaded);

    let start = Instant::now();
    let mut random = fastrand::Rng::with_seed(1);
    (0..args.replacements).for_each(|_| store(&table, &args, &fields, random.u64(0..args.entries)));
    let replaced = settled_rss(&table);
    report(&args, "replaced", args.replacements, start.elapsed(), &table, replaced);

    let thousandths = replaced * 1_000 / loaded;
    say(&format!("resident after replacements / before: {thousandths} / 1000"));
    let is_good = thousandths <= MOST_THOUSANDTHS;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn store(table: &Table, args: &Args, fields: &FieldsBuffer, number: u64) {
    let key = format!("{number:0width$}", width = args.key_bytes);
    let now = table.now();
    let origin = Origin { partition: 0, offset: number.cast_signed(), time: now };
    if let Some(key) = KeyRef::new(&key) {
        table.insert(Draft::new(key, origin, now.plus(AN_HOUR), fields), now);
    }
}

/// What is resident once maintenance has nothing left to do.
fn settled_rss(table: &Table) -> u64 {
    let weight_bytes = || table.stats().weight_bytes;
    let mut before = u64::MAX;
    while weight_bytes() != before {
        before = weight_bytes();
        thread::park_timeout(QUIET);
    }
    heap::flush_thread_cache();
    heap::purge();
    memory::rss_bytes()
}

fn report(args: &Args, what: &str, records: u64, took: Duration, table: &Table, rss: u64) {
    let stats = table.stats();
    let measured = heap::read([table.account()]).accounts[0].allocated_bytes;
    say(&format!(
        "{what:<9} {records:>9} records of {} + {} B, {:.2} us each; {} entries weigh {} B each, \
         take {} B each; {} KiB resident",
        args.key_bytes,
        args.text_bytes,
        took.as_secs_f64() / f64::from(u32::try_from(records.max(1)).unwrap_or(u32::MAX)) * 1e6,
        stats.entry_count,
        stats.weight_bytes / stats.entry_count,
        measured / stats.entry_count,
        rss / 1024,
    ));
}
