//! Calls in a text protocol: requests are pipelined, and answers come in their order.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::answers::Answers;
use super::schedule::{CONNECTIONS, Pace, Schedule, Tally};

/// Far more calls than are ever in flight.
const MOST_ON_THEIR_WAY: usize = 1 << 16;

pub(crate) struct Text {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) answers: Answers,
}

/// One connection. Its calls start somewhere in the list of requests.
struct Connection<'a> {
    text: &'a Text,
    stream: TcpStream,
    next: usize,
}

impl Text {
    pub(crate) fn drive(&self, pace: Pace, window: Duration) -> anyhow::Result<Tally> {
        let share = self.requests.len() / CONNECTIONS;
        let connect = |number| Connection::open(self, number * share);
        let connections = (0..CONNECTIONS).map(connect).collect::<anyhow::Result<Vec<_>>>()?;
        thread::scope(|scope| {
            let threads: Vec<_> = connections
                .into_iter()
                .zip(0..)
                .map(|(connection, number)| {
                    scope.spawn(move || connection.drive(pace, window, number))
                })
                .collect();
            let mut all = Tally::default();
            for thread in threads {
                all.merge(thread.join().ok().context("a thread died")??);
            }
            Ok(all)
        })
    }
}

impl<'a> Connection<'a> {
    /// Makes one call, to check that it is answered.
    fn open(text: &'a Text, next: usize) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(text.address)?;
        stream.set_nodelay(true)?;
        let mut connection = Self { text, stream, next: 0 };
        connection.send()?;
        let mut answer = Vec::new();
        text.answers.read(&mut connection.stream, &mut answer)?;
        let said = String::from_utf8_lossy(&answer);
        ensure!(text.answers.is_first(&answer), "{} answered {said:?}", text.address);
        Ok(Self { next, ..connection })
    }

    fn drive(mut self, pace: Pace, window: Duration, number: u32) -> anyhow::Result<Tally> {
        match pace {
            Pace::AsAnswered(at_once) => self.as_answered(at_once, window),
            Pace::Rate(rate) => {
                let senders = u32::try_from(CONNECTIONS)?;
                self.at_rate(Schedule::new(rate, window, senders, number))
            }
        }
    }

    fn as_answered(&mut self, at_once: usize, window: Duration) -> anyhow::Result<Tally> {
        let (end, mut tally) = (Instant::now() + window, Tally::default());
        let (mut answer, mut sent) = (Vec::new(), VecDeque::new());
        for _ in 0..at_once {
            sent.push_back(Instant::now());
            self.send()?;
        }
        while let Some(since) = sent.pop_front() {
            self.text.answers.read(&mut self.stream, &mut answer)?;
            tally.add(since);
            if Instant::now() < end {
                sent.push_back(Instant::now());
                self.send()?;
            }
        }
        Ok(tally)
    }

    /// Sends from this thread and receives on another.
    fn at_rate(&mut self, mut schedule: Schedule) -> anyhow::Result<Tally> {
        let (sending, sent) = sync_channel(MOST_ON_THEIR_WAY);
        let (stream, answers) = (self.stream.try_clone()?, &self.text.answers);
        thread::scope(|scope| {
            let receiver = scope.spawn(move || receive(stream, answers, &sent));
            self.send_all(&mut schedule, &sending)?;
            drop(sending);
            let mut tally = receiver.join().ok().context("a thread died")??;
            tally.merge(schedule.tally());
            Ok(tally)
        })
    }

    fn send_all(
        &mut self,
        schedule: &mut Schedule,
        sent: &SyncSender<Instant>,
    ) -> anyhow::Result<()> {
        while let Some(now) = schedule.next() {
            sent.send(now).context("the receiving thread has ended")?;
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.text.requests[self.next])?;
        self.next = (self.next + 1) % self.text.requests.len();
        Ok(())
    }
}

fn receive(
    mut stream: TcpStream,
    answers: &Answers,
    sent: &Receiver<Instant>,
) -> anyhow::Result<Tally> {
    let (mut tally, mut answer) = (Tally::default(), Vec::new());
    for since in sent {
        answers.read(&mut stream, &mut answer)?;
        tally.add(since);
    }
    Ok(tally)
}
