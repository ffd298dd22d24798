//! `millpond try`: what becomes of records, without a service, and what a load would take.

mod envelope;
mod form;
mod lines;
mod printer;
mod projection_text;
mod summary_text;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;

use super::config_args::ConfigArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::app::{self, ExpectedLoad, Trial};
use crate::config::Config;
use form::{Form, FormArgs};
use lines::Lines;
use printer::Printer;

/// Which records are tried, on which table, and how the answers are printed.
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    without_file: WithoutFileArgs,
    /// The table to try, if the configuration has several
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The file with the records, one a line; - reads standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
    #[command(flatten)]
    form: FormArgs,
    /// Try the last records of the table's topic, from the brokers. Nothing is changed
    #[arg(long, conflicts_with_all = ["input", "key_separator", "envelope", "key"])]
    connect: bool,
    /// How many of the last records of the topic to try, at most 64 MiB
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, requires = "connect")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    last: u32,
    /// Print the summary, and no line for each record
    #[arg(long)]
    summary: bool,
    /// Project what a table with this many live entries takes
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    keys: Option<u64>,
    /// The records a second to project for
    #[arg(long, value_name = "RECORDS", default_value_t = 0, requires = "keys")]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    rate: u64,
    /// The lookups a second to project for
    #[arg(long, value_name = "LOOKUPS", default_value_t = 0, requires = "keys")]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    lookups: u64,
    /// How to print what was found: with json a line for each record and one for the summary
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// A table without a configuration file.
#[derive(Debug, Args)]
struct WithoutFileArgs {
    /// Try a table without a configuration: where its key is, as in /id. Twice for the first of two
    #[arg(long, value_name = "SOURCE", conflicts_with = "config", requires = "field")]
    key: Vec<String>,
    /// A field of that table, as in description=/description
    #[arg(long, value_name = "NAME=SOURCE", requires = "key")]
    field: Vec<String>,
}

pub(super) fn run(args: &TryArgs) -> Result<(), Failure> {
    let config = args.config.load_over(&args.without_file.settings())?;
    let table_index = table_index(&config, args.table.as_deref())?;
    let mut trial = Trial::new(&config, table_index)?;
    let mut printer = Printer::new(io::stdout().lock(), args.output, args.summary);
    if args.connect {
        try_topic(args, &config, table_index, &mut trial, &mut printer)?;
    } else {
        let input = open(args)?;
        let form = Form::new(&args.form, &config);
        try_lines(input, &args.input, &form, &mut trial, &mut printer)?;
    }
    let load = args.keys.map(|keys| ExpectedLoad {
        keys,
        records_per_second: args.rate,
        lookups_per_second: args.lookups,
    });
    let summary = trial.summary()?;
    let projection = load.map(|load| trial.project(&summary, &load)).transpose()?;
    Ok(printer.end(&summary, projection.as_ref())?)
}

fn table_index(config: &Config, wanted: Option<&str>) -> Result<usize, Failure> {
    let names: Vec<_> = config.tables.iter().map(|table| table.name.as_str()).collect();
    let list = || names.join(", ");
    match wanted {
        None if names.len() == 1 => Ok(0),
        None => Err(usage(format!("--table: which one of {}?", list()))),
        Some(wanted) => {
            let found = names.iter().position(|name| *name == wanted);
            found.ok_or_else(|| usage(format!("--table: there is no {wanted:?} among {}", list())))
        }
    }
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn open(args: &TryArgs) -> Result<Box<dyn BufRead>, Failure> {
    if args.input != Path::new("-") {
        let file = File::open(&args.input).map_err(|error| unreadable(&args.input, &error))?;
        return Ok(Box::new(BufReader::new(file)));
    }
    if args.config.reads_standard_input() {
        let message = "--config - and --input - both read standard input: name a file for one";
        return Err(usage(message.into()));
    }
    Ok(Box::new(io::stdin().lock()))
}

fn unreadable(input: &Path, error: &io::Error) -> Failure {
    usage(format!("--input: cannot read {}: {error}", input.display()))
}

fn try_lines(
    input: impl BufRead,
    path: &Path,
    form: &Form,
    trial: &mut Trial,
    printer: &mut Printer<impl io::Write>,
) -> Result<(), Failure> {
    let mut lines = Lines::new(input, form.longest_line_bytes());
    while let Some(line) = lines.next_line().map_err(|error| unreadable(path, &error))? {
        if line.is_blank() {
            printer.skip_blank();
            continue;
        }
        match form.record(&line) {
            Ok(record) => printer.record(Some(line.number), &trial.apply(record))?,
            Err(fault) => printer.fault(line.number, &fault)?,
        }
    }
    Ok(())
}

fn try_topic(
    args: &TryArgs,
    config: &Config,
    table_index: usize,
    trial: &mut Trial,
    printer: &mut Printer<impl io::Write>,
) -> Result<(), Failure> {
    let topic = &config.tables[table_index].topic;
    let count = usize::try_from(args.last).unwrap_or(usize::MAX);
    let records = app::last_records(config, topic, count);
    for record in records.map_err(|why| Failure::new(Exit::Unreachable, why))? {
        printer.record(None, &trial.apply(record))?;
    }
    Ok(())
}

impl WithoutFileArgs {
    /// The settings of a configuration with this one table; none where there is a file.
    fn settings(&self) -> Vec<String> {
        if self.key.is_empty() {
            return Vec::new();
        }
        let basics = [
            // Nobody connects to it.
            "kafka.brokers=localhost:9092".to_owned(),
            "tables.0.name=records".into(),
            "tables.0.topic=records".into(),
            "tables.0.ttl=24h".into(),
        ];
        let key = match self.key.as_slice() {
            [key] => vec![format!("tables.0.key={key}")],
            keys => {
                let numbered = keys.iter().enumerate();
                numbered.map(|(at, key)| format!("tables.0.key.first_of.{at}={key}")).collect()
            }
        };
        let fields = self.field.iter().map(|field| format!("tables.0.fields.{field}"));
        basics.into_iter().chain(key).chain(fields).collect()
    }
}
