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
/// Below this part of the limit the bars of the types would all be empty.
const SMALL_DIVISOR: i64 = 8;

/// The lines that it takes: a title, and one for each type.
pub(super) fn height(model: &Model) -> u16 {
    let types = model.stats.memory.as_ref().map_or(0, |memory| memory.types.len());
    u16::try_from(types + 1).unwrap_or(u16::MAX)
}

pub(super) fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: Theme) {
    let whole = model.stats.memory.as_ref().map(whole);
    let title = whole.map_or("memory by type".into(), |(of, _)| format!("memory by type, of {of}"));
    draw_rule(area, buffer, &[(title, Tone::Strong)], theme);
    let (Some(memory), Some((_, whole_bytes))) = (&model.stats.memory, whole) else { return };
    let rows = memory.types.iter().enumerate();
    for ((place, of_type), y) in rows.zip(area.y + 1..area.bottom()) {
        let line = line(of_type, place, whole_bytes, usize::from(area.width), theme);
        buffer.set_line(area.x, y, &line, area.width);
    }
}

/// What a full bar stands for: the limit, or what is used where that is a small part of the limit.
fn whole(memory: &Memory) -> (&'static str, i64) {
    if memory.current_bytes > memory.limit_bytes / SMALL_DIVISOR {
        ("the limit", memory.limit_bytes)
    } else {
        ("what is used", memory.current_bytes)
    }
}

fn line(
    of_type: &MemoryTypeBytes,
    place: usize,
    whole_bytes: i64,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let name = fit(&type_name(of_type.r#type(), &of_type.table), NAME_COLUMNS, theme.symbols);
    let space = " ".repeat(NAME_COLUMNS.saturating_sub(name.width()));
    let share = count(of_type.bytes) / count(whole_bytes.max(1));
    let bar_columns = width.saturating_sub(2 + NAME_COLUMNS + BYTES_COLUMNS + 1);
    let style = theme.style(Tone::Type(place));
    Line::from(vec![
        Span::styled(format!("{} ", theme.symbols.bullet()), style),
        Span::raw(format!("{name}{space}{:>BYTES_COLUMNS$} ", bytes(of_type.bytes))),
        Span::styled(bar(share, bar_columns, theme.symbols), style),
    ])
}
