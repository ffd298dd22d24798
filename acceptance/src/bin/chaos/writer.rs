//! A thread that writes batch after batch, and keeps what it knows of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use fastrand::Rng;

use crate::client::{COMPRESSIONS, Client, Ending, Fate};
use crate::draft::{Draft, Drafts, Kind};
use crate::scene::{Scene, WRITERS};

/// How many batches come at the end, when nothing breaks any more.
const LAST_BATCHES: usize = 4;
const MOST_RECORDS: usize = 120;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many records of each batch were handed over, and what became of them.
    pub(crate) batches: HashMap<String, (usize, Fate)>,
    /// Every key that a record was to have.
    pub(crate) keys: BTreeSet<String>,
    pub(crate) kinds: BTreeMap<Kind, u64>,
}

impl Written {
    pub(crate) fn merge(&mut self, other: Self) {
        self.batches.extend(other.batches);
        self.keys.extend(other.keys);
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }

    fn note(&mut self, draft: Draft) {
        *self.kinds.entry(draft.kind).or_default() += 1;
        self.keys.insert(draft.key);
    }
}

pub(crate) struct Writer<'a> {
    scene: &'a Scene,
    /// None writes without transactions.
    transactional_id: Option<String>,
    number: usize,
    rng: Rng,
    drafts: Drafts,
    client: Option<Client>,
    /// Apart, since how many clients it comes to depends on what breaks.
    compressions: Rng,
    written: Written,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(scene: &'a Scene, number: usize, mut rng: Rng) -> Self {
        Self {
            scene,
            transactional_id: (!number.is_multiple_of(WRITERS))
                .then(|| format!("{}-{number}", scene.topic)),
            number,
            drafts: Drafts::new(number, &mut rng),
            compressions: rng.fork(),
            rng,
            client: None,
            written: Written::default(),
        }
    }

    /// Writes until it is time to stop.
    pub(crate) fn run(mut self) -> anyhow::Result<Written> {
        while !self.pause(5..120) {
            self.batch()?;
        }
        self.finish()
    }

    /// Writes a little, at once.
    pub(crate) fn close(mut self) -> anyhow::Result<Written> {
        for _ in 0..LAST_BATCHES {
            self.batch()?;
        }
        self.finish()
    }

    /// Whatever transaction a lost client left open is ended by its successor.
    fn finish(mut self) -> anyhow::Result<Written> {
        let client = self.client()?;
        drop(client);
        Ok(self.written)
    }

    fn batch(&mut self) -> anyhow::Result<()> {
        let (ending, records) = (self.draw_ending(), self.rng.usize(1..=MOST_RECORDS));
        let batch = format!("{}-{}", self.number, self.written.batches.len());
        let client = self.client()?;
        // Where that fails nothing is handed over either.
        let has_begun = client.begin().is_ok();
        let mut sent = 0;
        for _ in 0..records {
            let draft = self.drafts.draw(&batch, self.scene, &mut self.rng);
            sent += usize::from(has_begun && client.send(&draft, &batch)?);
            self.written.note(draft);
        }
        if self.rng.u8(..8) == 0 {
            // Others end theirs while this one is open.
            self.pause(200..2_000);
        }
        let fate = client.end(ending, sent);
        self.written.batches.insert(batch, (sent, fate));
        let (is_well, is_kept) = (is_well(ending, fate), self.rng.u8(..10) > 0);
        self.client = (has_begun && is_well && is_kept).then_some(client);
        Ok(())
    }

    fn draw_ending(&mut self) -> Ending {
        match self.rng.u8(..100) {
            _ if self.transactional_id.is_none() => Ending::Commit,
            ..62 => Ending::Commit,
            62..90 => Ending::Abort,
            _ => Ending::Vanish,
        }
    }

    fn client(&mut self) -> anyhow::Result<Client> {
        if let Some(client) = self.client.take() {
            return Ok(client);
        }
        let compression = COMPRESSIONS[self.compressions.usize(..COMPRESSIONS.len())];
        Client::new(self.scene, self.transactional_id.as_deref(), compression)
    }

    fn pause(&mut self, millis: std::ops::Range<u64>) -> bool {
        self.scene.stop.within(Duration::from_millis(self.rng.u64(millis)))
    }
}

/// Whether the client is as good as it was.
fn is_well(ending: Ending, fate: Fate) -> bool {
    match ending {
        Ending::Commit => fate == Fate::Committed,
        Ending::Abort => fate == Fate::Aborted,
        Ending::Vanish => false,
    }
}
