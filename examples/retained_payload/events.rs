//! Made-up events of a service catalogue, about 2 KB each, of which two fields matter. The seed is
//! fixed, so all runs are the same.

use std::fmt::{self, Write};

/// The number of services, which is the number of entries that a table ends up with.
pub(crate) const SERVICES: u32 = 100_000;

/// An endless run of events, one at a time.
pub(crate) struct Events {
    random: fastrand::Rng,
    sequence: u64,
    text: String,
}

const VERBS: [&str; 6] = ["routes", "bills", "ships", "verifies", "indexes", "settles"];
const NOUNS: [&str; 6] = ["orders", "invoices", "parcels", "accounts", "documents", "payments"];
const TEAMS: [&str; 5] = ["harbour", "meadow", "quarry", "orchard", "lighthouse"];
const HEX: &[u8; 16] = b"0123456789abcdef";

impl Events {
    /// Starts at the first event.
    pub(crate) fn new() -> Self {
        let random = fastrand::Rng::with_seed(7);
        let mut events = Self { random, sequence: 0, text: String::new() };
        events.advance();
        events
    }

    /// The current event as JSON.
    pub(crate) fn current(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Goes to the next event.
    pub(crate) fn advance(&mut self) {
        self.sequence += 1;
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = self.write();
    }

    fn write(&mut self) -> fmt::Result {
        let (sequence, service) = (self.sequence, self.random.u32(..SERVICES));
        let [verb, noun, team] = [&VERBS[..], &NOUNS, &TEAMS].map(|words| self.pick(words));
        let (tier, replicas) = (self.random.u8(1..4), self.random.u8(1..60));
        write!(
            self.text,
            r##"{{"event":"service.updated","sequence":{sequence},"id":"svc-{service:05}","description":"{verb} {noun} for team {team}","owner":{{"team":"{team}","channel":"#{team}-alerts","tier":{tier}}},"runtime":{{"replicas":{replicas},"image":"registry.internal/{team}/{noun}@sha256:"##
        )?;
        self.hex(64);
        self.text.push_str(r#"","limits":{"cpu":"2","memory":"512Mi"}},"checks":["#);
        self.checks()?;
        self.text.push_str("]}");
        Ok(())
    }

    fn checks(&mut self) -> fmt::Result {
        for check in 0..self.random.u8(5..=19) {
            self.text.push_str(if check == 0 {
                r#"{"name":"probe-"#
            } else {
                r#",{"name":"probe-"#
            });
            self.hex(8);
            let (passed, took_us) = (self.random.u8(..20) > 0, self.random.u32(..100_000));
            write!(self.text, r#"","passed":{passed},"took_us":{took_us},"trace":""#)?;
            self.hex(64);
            self.text.push_str(r#""}"#);
        }
        Ok(())
    }

    fn hex(&mut self, digits: usize) {
        for _ in 0..digits / 8 {
            let bits = self.random.u32(..);
            let digit = |at: u32| char::from(HEX[(bits >> (4 * at)) as usize % HEX.len()]);
            self.text.extend((0..8).map(digit));
        }
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        self.random.choice(words).copied().unwrap_or_default()
    }
}
