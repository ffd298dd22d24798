//! The time to pluck two fields out of a document, by millpond and by other parsers.
//!
//! `MILLPOND_TEST_PAYLOADS=webhooks.ndjson cargo bench -p millpond-benches --bench pluck`
//!
//! The file has one document on each line. Without it, documents like those of webhooks are made
//! up. `cargo bench -p millpond-benches --bench compare` writes the same, by CPU time, into
//! docs/BENCHMARKS.md.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use millpond_benches::contenders::{self, Contender};
use millpond_benches::documents::Documents;

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for documents in [Documents::small(), Documents::payloads()?] {
        pluck(&mut criterion, &documents)?;
    }
    criterion.final_summary();
    Ok(())
}

fn pluck(criterion: &mut Criterion, documents: &Documents) -> anyhow::Result<()> {
    let mut group = criterion.benchmark_group(documents.name);
    group.throughput(Throughput::Bytes(documents.bytes()));
    for Contender { name, mut pluck, .. } in contenders::all()? {
        group.bench_function(name, |bencher| {
            bencher.iter(|| documents.texts.iter().filter(|text| pluck(black_box(text))).count());
        });
    }
    group.finish();
    Ok(())
}
