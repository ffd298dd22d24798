//! The programs that read a topic: the bare loop, millpond and the peers.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use millpond_acceptance::cost::Cost;
use millpond_benches::bare;
use millpond_benches::reading::Reading;
use millpond_benches::setup::Setup;

use super::case::{Case, SHAPE};
use crate::args::COMPACT;
use crate::peers::BuiltPeer;
use crate::stage::{OwnTopic, Stage};

const CONTAINER_BYTES: u64 = 1 << 30;

#[derive(Clone, Copy)]
pub(super) enum Reader<'a> {
    Bare,
    /// millpond with the store of this name, and settings for the comparison with the bare loop.
    Store(&'a str),
    /// millpond with the compact store and default settings.
    Defaults,
    Peer(&'a BuiltPeer),
}

/// What a reader did until it had read a topic to its end.
pub(super) struct Outcome {
    pub(super) cost: Cost,
    pub(super) ready_after: Option<Duration>,
    /// The time until ready, divided by the time for all records at the steady rate.
    pub(super) ready_times: Option<f64>,
    pub(super) entries: Option<u64>,
}

impl<'a> Reader<'a> {
    /// The bare loop first.
    pub(super) fn all(stage: &'a Stage<'_>, case: &Case) -> Vec<Self> {
        let mut all = vec![Self::Bare];
        let stores = || stage.args.stores.iter().map(String::as_str);
        all.extend(stores().map(Self::Store));
        if case.has_peers() {
            all.extend(stores().find(|&store| store == COMPACT).map(|_| Self::Defaults));
            all.extend(stage.peers.iter().map(Self::Peer));
        }
        all
    }

    pub(super) fn read(
        self,
        broker: &str,
        topic: &OwnTopic,
        case: &Case,
    ) -> anyhow::Result<Outcome> {
        let setup = |store| {
            let setup = topic.setup(store, case.records, SHAPE);
            Setup { pointers: case.pointers(), ..setup }
        };
        match self {
            Self::Bare => {
                let cost = bare::measure(broker, &topic.name, &case.workload())?;
                Ok(Outcome { cost, ready_after: None, ready_times: None, entries: None })
            }
            Self::Store(store) => by_millpond(&setup(store), case.records),
            Self::Defaults => {
                let container_bytes = Some(CONTAINER_BYTES);
                by_millpond(&Setup { container_bytes, ..setup(COMPACT) }, case.records)
            }
            Self::Peer(peer) => {
                let read = peer.read(broker, &topic.name, case.pointers())?;
                let (ready_after, entries) = (Some(read.cost.wall), Some(read.entries));
                Ok(Outcome { cost: read.cost, ready_after, ready_times: None, entries })
            }
        }
    }
}

fn by_millpond(setup: &Setup<'_>, records: u64) -> anyhow::Result<Outcome> {
    let reading = Reading::read(setup, records)?;
    let entries = reading.stats.tables.iter().map(|table| table.entry_count.cast_unsigned()).sum();
    Ok(Outcome {
        cost: reading.cost,
        ready_after: Some(reading.ready_after),
        ready_times: Some(reading.ready_over_rate()),
        entries: Some(entries),
    })
}

impl Display for Reader<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare",
            Self::Store(store) => store,
            Self::Defaults => "compact, defaults",
            Self::Peer(built) => built.peer.name(),
        })
    }
}
