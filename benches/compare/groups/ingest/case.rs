//! The topics that are read.

use std::fmt::{Display, Formatter};

use millpond_benches::documents::Documents;
use millpond_benches::shape::Shape;
use millpond_benches::topic::Topic;
use millpond_benches::workload::{Pointers, Workload};

use crate::args::Args;
use crate::targets::Target;

pub(super) const SHAPE: Shape = Shape::USUAL;
const SMALLEST_BYTES: usize = 500;
/// The size of made-up documents, and the targets for them.
const MADE_UP: [(usize, Option<Aims>); 3] = [
    (
        SMALLEST_BYTES,
        Some(Aims { cpu_over_go: Target::CpuOverGo500, ready_over_go: Target::ReadyOverGo500 }),
    ),
    (
        2_048,
        Some(Aims { cpu_over_go: Target::CpuOverGo2048, ready_over_go: Target::ReadyOverGo2048 }),
    ),
    (10_240, None),
];
const OF_PAYLOADS: Aims =
    Aims { cpu_over_go: Target::CpuOverGoPayloads, ready_over_go: Target::ReadyOverGoPayloads };
const FEW_PARTITIONS: i32 = 8;
const MANY_PARTITIONS: i32 = 64;
const THREADS: usize = 2;

/// A topic, with its documents.
pub(super) struct Case {
    content: Content,
    pub(super) partitions: i32,
    pub(super) records: u64,
    /// The targets against Go with gjson, if there are any.
    pub(super) aims: Option<Aims>,
}

enum Content {
    MadeUp { bytes: usize },
    Payloads(Documents),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Aims {
    pub(super) cpu_over_go: Target,
    pub(super) ready_over_go: Target,
}

impl Case {
    /// Documents of all sizes, and the given payloads if there are any.
    pub(super) fn all(args: &Args) -> anyhow::Result<Vec<Self>> {
        let topic_bytes = args.sized(1_000_000_000, 2_000_000);
        let mut cases = Vec::new();
        for &(bytes, aims) in args.sized(&MADE_UP[..], &MADE_UP[..1]) {
            for partitions in [FEW_PARTITIONS, MANY_PARTITIONS] {
                let (content, records) = (Content::MadeUp { bytes }, topic_bytes / bytes as u64);
                let aims = aims.filter(|_| partitions == FEW_PARTITIONS);
                cases.push(Self { content, partitions, records, aims });
            }
        }
        if let Some(payloads) = Documents::given_payloads()? {
            let count = payloads.texts.len() as u64;
            let records = topic_bytes * count / payloads.bytes().max(1);
            let (content, partitions) = (Content::Payloads(payloads), FEW_PARTITIONS);
            cases.push(Self { content, partitions, records, aims: Some(OF_PAYLOADS) });
        }
        Ok(cases)
    }

    pub(super) fn topic(&self) -> String {
        match self.content {
            Content::MadeUp { bytes } => format!("ingest-{bytes}-{}", self.partitions),
            Content::Payloads(_) => "ingest-payloads".to_owned(),
        }
    }

    pub(super) fn produce(&self, topic: &Topic) -> anyhow::Result<()> {
        match &self.content {
            &Content::MadeUp { bytes } => {
                let record = |number| (SHAPE.key(number), SHAPE.value(number));
                topic.produce(bytes, (0..self.records).map(record))
            }
            Content::Payloads(payloads) => {
                let texts = payloads.texts.iter().cycle().zip(0..self.records);
                topic.produce_documents(texts.map(|(text, _)| text))
            }
        }
    }

    pub(super) fn pointers(&self) -> Pointers {
        match self.content {
            Content::MadeUp { .. } => Pointers::MADE_UP,
            Content::Payloads(_) => Pointers::WEBHOOK,
        }
    }

    /// What the bare loop needs to know. It makes no documents, so it needs no size of them.
    pub(super) fn workload(&self) -> Workload {
        let &Self { records, partitions, .. } = self;
        Workload { records, bytes: 0, partitions, threads: THREADS }
    }

    pub(super) fn is_smallest(&self) -> bool {
        matches!(self.content, Content::MadeUp { bytes: SMALLEST_BYTES })
    }

    /// Whether the peers read it: more partitions would say no more of them, and take long.
    pub(super) fn has_peers(&self) -> bool {
        self.partitions == FEW_PARTITIONS
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.content {
            Content::MadeUp { bytes } => write!(f, "{bytes} B, {}", self.partitions),
            Content::Payloads(payloads) => write!(f, "{}, {}", payloads.name, self.partitions),
        }
    }
}
