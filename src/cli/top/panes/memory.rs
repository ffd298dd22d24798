//! The rows of the memory by type: what each takes, and how much it has grown.

use crate::cli::output::bytes;
use crate::cli::stats::memory::type_name;
use crate::cli::top::figures;
use crate::cli::top::format::percent;
use crate::cli::top::grid::{Cell, Column, Grid, Row};
use crate::cli::top::model::Model;
use crate::cli::top::theme::Tone;
use crate::proto::v1::{BudgetLine, BudgetPurpose, Memory, MemoryType, MemoryTypeBytes};

const COLUMNS: [Column; 5] = [
    Column { title: "memory", width: 16, priority: 0 },
    Column { title: "bytes", width: 11, priority: 1 },
    Column { title: "of limit", width: 8, priority: 2 },
    Column { title: "grown", width: 12, priority: 3 },
    Column { title: "budget", width: 11, priority: 4 },
];
const BYTES: usize = 1;

pub(super) fn grid(model: &Model) -> Grid {
    let memory = model.stats.memory.as_ref();
    let rows = memory.into_iter().flat_map(|memory| rows(memory, model)).collect();
    Grid { columns: &COLUMNS, rows, sorted_by: BYTES, nothing: "nothing is known of the memory" }
}

fn rows<'a>(memory: &'a Memory, model: &'a Model) -> impl Iterator<Item = Row> + use<'a> {
    memory.types.iter().enumerate().map(|(place, of_type)| {
        let share = figures::count(of_type.bytes) / figures::count(memory.limit_bytes.max(1));
        let budget = budget_of(memory, of_type).map(|line| line.bytes);
        Row(vec![
            Cell::text(type_name(of_type.r#type(), &of_type.table)).with_tone(Tone::Type(place)),
            Cell::number(bytes(of_type.bytes), figures::count(of_type.bytes)),
            Cell::number(percent(Some(share)), share),
            grown(model.growth_bytes(place)),
            Cell::number(budget.map_or("-".into(), bytes), budget.map(figures::count)),
        ])
    })
}

fn grown(growth_bytes: Option<i64>) -> Cell {
    let text = growth_bytes.map_or("-".into(), |growth| match growth {
        0 => "0".into(),
        growth if growth > 0 => format!("+{}", bytes(growth)),
        growth => format!("-{}", bytes(growth.unsigned_abs())),
    });
    Cell::number(text, growth_bytes.map(figures::count))
}

/// The line of the budget that a table is measured by. Other types have several or none.
fn budget_of<'a>(memory: &'a Memory, of_type: &MemoryTypeBytes) -> Option<&'a BudgetLine> {
    let is_own =
        |line: &&BudgetLine| line.purpose() == BudgetPurpose::Table && line.table == of_type.table;
    memory.budget.iter().find(is_own).filter(|_| of_type.r#type() == MemoryType::Table)
}
