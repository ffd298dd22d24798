//! A peer that writes bytes of its own making: it opens connections, says something, and may go on.
//!
//! It heeds no flow control and no rule but those that it is made to keep.

use std::sync::Arc;
use std::time::Duration;

use millpond_acceptance::frames::Answers;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::sleep;

use crate::outcome::Outcome;
use crate::peer::{About, Attack, Peer};
use crate::target::{Port, Target};

const READ_BYTES: usize = 64 << 10;

/// Makes what is said next: the `n`th time.
type Next = Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>;

/// What is said over and over after the opening.
#[derive(Clone)]
pub(crate) enum Then {
    /// Nothing. The connection stays.
    Silence,
    /// Nothing. The connection is closed.
    Leave,
    /// This, as fast as it is taken, or with a pause after each.
    Repeat(Next, Duration),
}

/// What it does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    All,
    Nothing,
}

/// A peer that writes bytes of its own making.
pub(crate) struct Raw {
    about: About,
    port: Port,
    opening: Vec<u8>,
    then: Then,
    reading: Reading,
}

impl Raw {
    /// A peer that says `opening` and then nothing.
    pub(crate) fn new(about: About, opening: Vec<u8>) -> Self {
        Self { about, port: Port::Rpc, opening, then: Then::Silence, reading: Reading::All }
    }

    pub(crate) fn at_admin(self) -> Self {
        Self { port: Port::Admin, ..self }
    }

    pub(crate) fn leaving(self) -> Self {
        Self { then: Then::Leave, ..self }
    }

    pub(crate) fn repeating(self, next: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.repeating_every(Duration::ZERO, next)
    }

    pub(crate) fn repeating_every(
        self,
        pause: Duration,
        next: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self { then: Then::Repeat(Arc::new(next), pause), ..self }
    }

    pub(crate) fn reading_nothing(self) -> Self {
        Self { reading: Reading::Nothing, ..self }
    }

    async fn say(&self, mut writer: WriteHalf<'_>) {
        if writer.write_all(&self.opening).await.is_err() {
            return;
        }
        match &self.then {
            Then::Leave => {}
            Then::Silence => std::future::pending().await,
            Then::Repeat(next, pause) => {
                for number in 0.. {
                    if writer.write_all(&next(number)).await.is_err() {
                        return;
                    }
                    if !pause.is_zero() {
                        sleep(*pause).await;
                    }
                }
            }
        }
    }

    async fn hear(&self, mut reader: ReadHalf<'_>, outcome: &Outcome) {
        if self.reading == Reading::Nothing {
            return std::future::pending().await;
        }
        let (mut answers, mut bytes) = (Answers::default(), vec![0; READ_BYTES]);
        while let Ok(read @ 1..) = reader.read(&mut bytes).await {
            let read = bytes.get(..read).unwrap_or_default();
            answers.read(read).iter().for_each(|answer| outcome.count(answer));
        }
    }

    async fn converse(&self, mut stream: TcpStream, outcome: &Outcome) {
        let (reader, writer) = stream.split();
        let end = tokio::select! {
            () = self.hear(reader, outcome) => "closed",
            // What is written into a connection that was closed fails before its end is read.
            () = self.say(writer) => if matches!(self.then, Then::Leave) { "left" } else { "closed" },
        };
        outcome.count(end);
    }
}

impl Peer for Raw {
    fn about(&self) -> &About {
        &self.about
    }

    fn attack<'a>(&'a self, target: &'a Target, address: u16, outcome: &'a Outcome) -> Attack<'a> {
        Box::pin(async move {
            match target.connect(self.port, address).await {
                Ok(stream) => {
                    outcome.count("connected");
                    self.converse(stream, outcome).await;
                }
                Err(error) => outcome.count(format_args!("not connected: {}", error.kind())),
            }
        })
    }
}
