//! The memory part of `millpond stats`: the census by type, the limit and the pressure.

use std::fmt::Write as _;

use crate::cli::colour::Paint;
use crate::cli::output::{bytes, count};
use crate::proto::v1::{Memory, MemoryType, MemoryTypeBytes, PressureStage};

/// The census, the limit, and the stage of memory pressure.
pub(in crate::cli) fn memory_text(memory: &Memory, paint: Paint) -> String {
    let mut text = format!(
        "memory\n{:>12}  resident, {} of the limit's {}\n",
        bytes(memory.rss_bytes),
        bytes(memory.current_bytes),
        bytes(memory.limit_bytes)
    );
    for of_type in &memory.types {
        let _ = writeln!(text, "{:>14}  {}", bytes(of_type.bytes), type_text(of_type));
    }
    if memory.untouched_bytes > 0 {
        let _ = writeln!(
            text,
            "{:>14}  of it untouched: allocated, never written to",
            bytes(memory.untouched_bytes)
        );
    }
    text + &pressure_text(memory, paint)
}

/// The name of a memory type. For a table's memory it includes the table's name.
pub(in crate::cli) fn type_name(memory_type: MemoryType, table: &str) -> String {
    match memory_type {
        MemoryType::Table => format!("table {table}"),
        MemoryType::Ingest => "ingest".into(),
        MemoryType::KafkaClient => "kafka client".into(),
        MemoryType::Rpc => "rpc".into(),
        MemoryType::OtherHeap => "other heap".into(),
        MemoryType::Allocator => "allocator".into(),
        MemoryType::OutsideHeap => "outside the heap".into(),
        MemoryType::Unspecified => "of an unknown type".into(),
    }
}

fn type_text(of_type: &MemoryTypeBytes) -> String {
    type_name(of_type.r#type(), &of_type.table)
}

fn pressure_text(memory: &Memory, paint: Paint) -> String {
    let Some(pressure) = &memory.pressure else { return String::new() };
    let entered = pressure.entered.iter().filter(|stage| stage.count > 0);
    let entered: Vec<_> = entered
        .map(|entry| format!("{} {}", stage_text(entry.stage()), count(entry.count)))
        .collect();
    let times = if entered.is_empty() { "never short".into() } else { entered.join(", ") };
    let stage = stage_text(pressure.stage());
    let stage = match pressure.stage() {
        PressureStage::Normal | PressureStage::Unspecified => stage.to_owned(),
        PressureStage::Purging => paint.warning(stage),
        PressureStage::Evicting | PressureStage::Paused => paint.bad(stage),
    };
    format!("  pressure: {stage} ({times})\n")
}

/// The name of a stage of memory pressure.
pub(in crate::cli) fn stage_text(stage: PressureStage) -> &'static str {
    match stage {
        PressureStage::Normal | PressureStage::Unspecified => "none",
        PressureStage::Purging => "purging freed pages",
        PressureStage::Evicting => "evicting",
        PressureStage::Paused => "pausing the stream",
    }
}
