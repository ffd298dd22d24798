//! The time to store and to look up an entry, for each store.
//!
//! `cargo bench -p millpond-benches --bench table`
//!
//! Each figure includes some 100 ns to make up a key and a value. `cargo bench --bench compare`
//! measures stores by CPU time, which includes that of their own threads.

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use millpond_benches::shape::Shape;
use millpond_benches::subject::Subject;

const STORES: [&str; 2] = ["moka", "compact"];
const ENTRIES: u64 = 200_000;
/// Capacity for several times as many entries.
const CAPACITY_BYTES: u64 = 256 << 20;

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for store in STORES {
        let mut subject = Subject::open(store, Shape::USUAL, CAPACITY_BYTES)?;
        (0..ENTRIES).for_each(|number| subject.insert(number));
        let mut group = criterion.benchmark_group(store);
        group.throughput(Throughput::Elements(1));
        measure(&mut group, &mut subject);
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, subject: &mut Subject) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut live = move || random.u64(..ENTRIES);
    group.bench_function("hit", |bencher| bencher.iter(|| black_box(subject.has(live()))));
    group.bench_function("miss", |bencher| {
        bencher.iter(|| black_box(subject.has(ENTRIES + live())));
    });
    group.bench_function("replace", |bencher| bencher.iter(|| subject.insert(live())));
    // The last one: it fills the table, and from then on each insert evicts an older entry.
    let mut next = ENTRIES..;
    group.bench_function("insert", |bencher| {
        bencher.iter(|| next.next().into_iter().for_each(|number| subject.insert(number)));
    });
}
