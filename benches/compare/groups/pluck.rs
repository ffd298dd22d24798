//! The speed of plucking a key and a field out of a document, on one core.

use std::time::{Duration, Instant};

use anyhow::ensure;
use millpond_acceptance::cost::exact;
use millpond_benches::contenders::{self, Contender};
use millpond_benches::documents::Documents;

use crate::report::Findings;
use crate::spread::{Spread, short};
use crate::stage::Stage;
use crate::table::Table;
use crate::targets::{Reached, Target};
use crate::thread_cpu;

const ABOUT: &str = "\
One thread, by its CPU time. Each parser copies two nested texts out of every document. millpond \
validates the whole document and its encoding. serde_json and sonic-rs into a struct check the \
fields that they skip less strictly, and `get_many` of sonic-rs stops at the second text. \
sonic-rs is faster if it is compiled for the processor that it runs on, which is impossible for \
an image. `MILLPOND_TEST_PAYLOADS` names a file of payloads. Without it they are made up.";

pub(crate) fn measure(stage: &Stage<'_>) -> anyhow::Result<Findings> {
    let mut table = Table::new(&["documents", "", "GB/s", "us a document"]);
    let mut reached = Reached::new();
    let all =
        [(Documents::small(), Target::PluckSmall), (Documents::payloads()?, Target::PluckPayloads)];
    for (documents, target) in &all {
        let (mut plucked, mut first) = (None, None);
        for mut contender in contenders::all()? {
            let pass = |_| rate(stage.args.window(), documents, &mut contender, &mut plucked);
            let rates = (0..stage.args.repeats()).map(pass).collect::<anyhow::Result<Spread>>()?;
            let mean_bytes = exact(documents.bytes()) / exact(documents.texts.len() as u64);
            let micros = mean_bytes / rates.median() / 1e3;
            let what = format!("{}, {mean_bytes:.0} B", documents.name);
            table.row([&what, &contender.name, &rates, &short(micros)]);
            let first = first.get_or_insert(rates.median());
            if contender.is_parser_alone {
                reached.push((*target, *first / rates.median()));
            }
        }
    }
    Ok(Findings { title: "Pluck", about: ABOUT.to_owned(), tables: vec![table], reached })
}

/// The speed in GB/s, over whole passes for at least a third of `window`. Everyone that plucks has to
/// find the same number of keys.
fn rate(
    window: Duration,
    documents: &Documents,
    contender: &mut Contender,
    plucked: &mut Option<usize>,
) -> anyhow::Result<f64> {
    let mut pass = || documents.texts.iter().filter(|text| (contender.pluck)(text)).count();
    let (found, documents) = (pass(), documents.bytes());
    let wanted = *plucked.get_or_insert(found);
    ensure!(
        found == wanted || contender.is_parser_alone,
        "{} finds {found} of {wanted} keys",
        contender.name
    );
    let (start, before, mut passes) = (Instant::now(), thread_cpu::now()?, 0);
    while start.elapsed() < window / 3 {
        pass();
        passes += 1;
    }
    let cpu = thread_cpu::now()?.saturating_sub(before);
    Ok(exact(passes) * exact(documents) / cpu.as_secs_f64() / 1e9)
}
