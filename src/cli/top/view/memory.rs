//! The memory by type, each with a bar against the limit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::list::draw_rule;
use crate::cli::output::bytes;
use crate::cli::stats::memory::type_name;
use crate::cli::top::bars::bar;
use crate::cli::top::figures::count;
use crate::cli::top::format::fit;
use crate::cli::top::model::Model;
use crate::cli::top::theme::{Theme, Tone};
use crate::proto::v1::{Memory, MemoryTypeBytes};

const NAME_COLUMNS: usize = 16;
const BYTES_COLUMNS: usize = 11;

/// The lines that it takes: a title, and one for each type.
pub(super) fn height(model: &Model) -> u16 {
    let types = model.stats.memory.as_ref().map_or(0, |memory| memory.types.len());
    u16::try_from(types + 1).unwrap_or(u16::MAX)
}

pub(super) fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: Theme) {
    draw_rule(area, buffer, &[("memory by type".into(), Tone::Strong)], theme);
    let Some(memory) = &model.stats.memory else { return };
    let rows = memory.types.iter().enumerate();
    for ((place, of_type), y) in rows.zip(area.y + 1..area.bottom()) {
        let line = line(memory, of_type, place, usize::from(area.width), theme);
        buffer.set_line(area.x, y, &line, area.width);
    }
}

fn line(
    memory: &Memory,
    of_type: &MemoryTypeBytes,
    place: usize,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let name = fit(&type_name(of_type.r#type(), &of_type.table), NAME_COLUMNS, theme.symbols);
    let space = " ".repeat(NAME_COLUMNS.saturating_sub(name.width()));
    let share = count(of_type.bytes) / count(memory.limit_bytes.max(1));
    let bar_columns = width.saturating_sub(2 + NAME_COLUMNS + BYTES_COLUMNS + 1);
    let style = theme.style(Tone::Type(place));
    Line::from(vec![
        Span::styled(format!("{} ", theme.symbols.bullet()), style),
        Span::raw(format!("{name}{space}{:>BYTES_COLUMNS$} ", bytes(of_type.bytes))),
        Span::styled(bar(share, bar_columns, theme.symbols), style),
    ])
}
