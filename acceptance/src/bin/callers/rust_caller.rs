//! The user of the Rust client, as a process of its own: see `acceptance/packages/README.md`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use millpond_client::v1::value::Kind;
use millpond_client::v1::{Entry, GetRequest, lookup_result::Outcome};
use millpond_client::{Client, ConnectOptions};
use tokio::task::JoinHandle;

/// The name of its command.
pub(crate) const COMMAND: &str = "look-up";
/// Lookups at once.
const LOOPS: usize = 8;
const PAUSE: Duration = Duration::from_millis(25);
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// HOST:PORT
    address: String,
    table: String,
    #[arg(required = true)]
    keys: Vec<String>,
}

struct Caller {
    client: Client,
    args: Args,
    outcomes: Mutex<BTreeMap<String, u64>>,
}

#[tokio::main]
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let options = ConnectOptions::new(format!("http://{}", args.address), TIMEOUT);
    let client = options.connect_balanced()?;
    let caller = Arc::new(Caller { client, args, outcomes: Mutex::default() });
    caller.look_up(0).await;
    println_now("calling")?;
    let start = |number| tokio::spawn(call(Arc::clone(&caller), number));
    let loops: Vec<_> = (0..LOOPS).map(start).collect();
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    loops.iter().for_each(JoinHandle::abort);
    for each in loops {
        // It was cancelled.
        let _ = each.await;
    }
    let outcomes = caller.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    outcomes.iter().try_for_each(|(outcome, count)| println_now(&format!("{count} {outcome}")))
}

/// Looks up the keys in turn, until it is cancelled.
async fn call(caller: Arc<Caller>, first: usize) {
    for number in first.. {
        caller.look_up(number).await;
        tokio::time::sleep(PAUSE).await;
    }
}

impl Caller {
    async fn look_up(&self, number: usize) {
        let (table, key) = (&self.args.table, &self.args.keys[number % self.args.keys.len()]);
        let request =
            GetRequest { table: table.clone(), key: key.clone(), ..GetRequest::default() };
        let outcome = match self.client.get(request).await {
            Err(status) => format!("failed {status}"),
            Ok(response) => match response.result.and_then(|result| result.outcome) {
                Some(Outcome::Entry(entry)) => format!("answered {}", instance(entry)),
                Some(Outcome::Miss(miss)) => format!("missed {:?}", miss.reason()),
                None => "missed without a reason".into(),
            },
        };
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry(outcome).or_default() += 1;
    }
}

fn instance(mut entry: Entry) -> String {
    match entry.fields.remove("instance").and_then(|value| value.kind) {
        Some(Kind::StringValue(name)) => name,
        other => format!("{other:?}"),
    }
}

/// Prints a line that is read at once.
fn println_now(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("nobody reads")
}
