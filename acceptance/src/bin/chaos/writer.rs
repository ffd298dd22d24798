//! A thread that writes batches, and keeps the fate of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use fastrand::Rng;

use crate::client::{COMPRESSIONS, Client, Ending, Fate};
use crate::draft::{Draft, Drafts, Kind};
use crate::scene::{Scene, WRITERS};

/// The number of batches at the end, when the disturbances are over.
const LAST_BATCHES: usize = 4;
const MOST_RECORDS: usize = 120;

/// Everything that was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The number of records queued for each batch, and its fate.
    pub(crate) batches: HashMap<String, (usize, Fate)>,
    /// Every key that a record was drawn with.
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
    /// None: this writer uses no transactions.
    transactional_id: Option<String>,
    number: usize,
    rng: Rng,
    drafts: Drafts,
    client: Option<Client>,
    /// Random numbers for clients only, since the number of clients depends on what fails.
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

    /// Writes a few batches without pauses.
    pub(crate) fn close(mut self) -> anyhow::Result<Written> {
        for _ in 0..LAST_BATCHES {
            self.batch()?;
        }
        self.finish()
    }

    /// Creates a client. It ends the transaction that a lost client left open.
    fn finish(mut self) -> anyhow::Result<Written> {
        let client = self.client()?;
        drop(client);
        Ok(self.written)
    }

    fn batch(&mut self) -> anyhow::Result<()> {
        let (ending, records) = (self.draw_ending(), self.rng.usize(1..=MOST_RECORDS));
        let batch = format!("{}-{}", self.number, self.written.batches.len());
        let client = self.client()?;
        // If this fails, no record is queued either.
        let has_begun = client.begin().is_ok();
        let mut sent = 0;
        for _ in 0..records {
            let draft = self.drafts.draw(&batch, self.scene, &mut self.rng);
            sent += usize::from(has_begun && client.send(&draft, &batch)?);
            self.written.note(draft);
        }
        if self.rng.u8(..8) == 0 {
            // Other writers end their transactions while this one is open.
            self.pause(200..2_000);
        }
        let fate = client.end(ending, sent);
        self.written.batches.insert(batch, (sent, fate));
        let (can_be_reused, is_kept) = (can_be_reused(ending, fate), self.rng.u8(..10) > 0);
        self.client = (has_begun && can_be_reused && is_kept).then_some(client);
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

/// Whether the client can be used again.
fn can_be_reused(ending: Ending, fate: Fate) -> bool {
    match ending {
        Ending::Commit => fate == Fate::Committed,
        Ending::Abort => fate == Fate::Aborted,
        Ending::Vanish => false,
    }
}
