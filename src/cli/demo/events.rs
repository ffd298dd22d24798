//! Made-up events of a service catalogue: two fields that matter, and much around them.

use serde_json::json;

/// How many services the catalogue has. Some change far more often than others.
const SERVICES: u32 = 20_000;
const TOMBSTONES_PERCENT: u32 = 1;
const BROKEN_PERCENT: u32 = 1;

/// One event, as produced.
pub(super) struct Event {
    pub(super) key: String,
    /// None for a tombstone.
    pub(super) payload: Option<Vec<u8>>,
    /// Whether the payload is not valid JSON.
    pub(super) broken: bool,
}

/// An endless run of events, the same in every run.
pub(super) struct Events {
    random: fastrand::Rng,
    number: u64,
}

const VERBS: [&str; 6] = ["routes", "bills", "ships", "verifies", "indexes", "settles"];
const NOUNS: [&str; 6] = ["orders", "invoices", "parcels", "accounts", "documents", "payments"];
const TEAMS: [&str; 5] = ["harbour", "meadow", "quarry", "orchard", "lighthouse"];

impl Events {
    pub(super) fn new() -> Self {
        Self { random: fastrand::Rng::with_seed(7), number: 0 }
    }

    pub(super) fn next_event(&mut self) -> Event {
        self.number += 1;
        // The demo's opening text prints a command that looks up this key.
        let service = if self.number == 1 { 42 } else { self.service() };
        let key = format!("svc-{service:05}");
        let dice = self.random.u32(0..100);
        if self.number > 1 && dice < TOMBSTONES_PERCENT {
            return Event { key, payload: None, broken: false };
        }
        let mut payload = self.document(&key);
        let broken = self.number > 1 && dice < TOMBSTONES_PERCENT + BROKEN_PERCENT;
        if broken {
            payload.truncate(payload.len() / 2);
        }
        Event { key, payload: Some(payload), broken }
    }

    /// Draws a service. Low numbers are far more frequent than high ones.
    fn service(&mut self) -> u32 {
        let below = self.random.u32(1..=SERVICES);
        let below = self.random.u32(1..=below);
        self.random.u32(0..below)
    }

    fn document(&mut self, id: &str) -> Vec<u8> {
        let team = self.pick(&TEAMS);
        let (verb, noun) = (self.pick(&VERBS), self.pick(&NOUNS));
        let checks = self.random.usize(2..40);
        json!({
            "event": "service.updated",
            "sequence": self.number,
            "id": id,
            "description": format!("{verb} {noun} for team {team}"),
            "owner": { "team": team, "channel": format!("#{team}-alerts"), "tier": self.random.u8(1..4) },
            "runtime": {
                "replicas": self.random.u8(1..60),
                "image": format!("registry.example/{team}/{noun}@sha256:{}", self.hex(64)),
                "limits": { "cpu": "2", "memory": "512Mi" },
            },
            "checks": (0..checks).map(|_| self.check()).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes()
    }

    fn check(&mut self) -> serde_json::Value {
        json!({
            "name": format!("probe-{}", self.hex(8)),
            "passed": self.random.u8(0..20) > 0,
            "took_ms": self.random.f64() * 100.0,
            "trace": self.hex(64),
        })
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).filter_map(|_| char::from_digit(self.random.u32(0..16), 16)).collect()
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        self.random.choice(words).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_what_the_demo_says_they_are() {
        let mut events = Events::new();
        let all: Vec<_> = (0..5_000).map(|_| events.next_event()).collect();
        assert_eq!(all[0].key, "svc-00042");
        assert!(all.iter().any(|event| event.payload.is_none()));
        for event in all.iter().filter(|event| !event.broken) {
            let Some(payload) = &event.payload else { continue };
            assert!((500..8_192).contains(&payload.len()), "{} bytes", payload.len());
            let document: serde_json::Value = serde_json::from_slice(payload).unwrap();
            assert_eq!(document["id"], event.key.as_str());
            assert!(document["description"].is_string());
        }
        let broken = all.iter().filter(|event| event.broken);
        let parses = |event: &Event| {
            serde_json::from_slice::<serde_json::Value>(event.payload.as_ref().unwrap()).is_ok()
        };
        assert_eq!(broken.filter(|event| parses(event)).count(), 0);
    }
}
