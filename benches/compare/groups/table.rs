//! The cost of the stores alone.

use millpond_acceptance::cost::exact;
use millpond_benches::shape::Shape;

use crate::in_process::{self, Figures};
use crate::report::Findings;
use crate::spread::Spread;
use crate::stage::Stage;
use crate::table::Table;
use crate::targets::Reached;

const ABOUT: &str = "\
A table in a separate process, filled and read by one thread without a stream and without calls: \
CPU time for each operation, with that of the table's own threads and without that for making up \
keys and values; and the growth of the resident set for each entry of 36 B + 64 B.";

pub(crate) fn measure(stage: &Stage<'_>) -> anyhow::Result<Findings> {
    let entries = stage.args.sized(1_000_000, 20_000);
    let mut table = Table::new(&[
        "",
        "ns an insert",
        "ns a replacement",
        "ns a hit",
        "B an entry",
        "after as many replacements",
    ]);
    for store in &stage.args.stores {
        let measure = |_| in_process::measure(store, entries, Shape::USUAL, stage.settle());
        let all = (0..stage.args.repeats()).map(measure).collect::<anyhow::Result<Vec<_>>>()?;
        let spread = |of: fn(&Figures) -> f64| all.iter().map(of).collect::<Spread>();
        let each = |bytes: f64| bytes / exact(entries);
        let loaded: Spread = all.iter().map(|f| each(f.loaded_bytes - f.empty_bytes)).collect();
        let replaced: Spread = all.iter().map(|f| each(f.replaced_bytes - f.empty_bytes)).collect();
        let insert = spread(|figures| figures.insert);
        let (replace, hit) = (spread(|figures| figures.replace), spread(|figures| figures.hit));
        table.row([store, &insert, &replace, &hit, &loaded, &replaced]);
    }
    let reached = Reached::new();
    Ok(Findings { title: "Table", about: ABOUT.to_owned(), tables: vec![table], reached })
}
