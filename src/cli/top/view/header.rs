//! The first lines: which service, its states, its memory, and what is wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::alerts::alerts;
use crate::cli::output::{bytes, escaped};
use crate::cli::stats::memory::stage_text;
use crate::cli::top::bars::{bar, stacked_bar};
use crate::cli::top::figures::{count, seconds_of};
use crate::cli::top::format::{fit, percent, span};
use crate::cli::top::model::Model;
use crate::cli::top::theme::{Theme, Tone};
use crate::proto::v1::{Memory, MemoryPressure, PressureStage};

/// The columns of the bar of the memory, as a share of the line.
const BAR_DIVISOR: u16 = 3;
const BAR_COLUMNS: usize = 8;
/// A narrower line has no room for a bar beside the states.
const MIN_BAR_WIDTH: u16 = 50;

/// The lines that it takes: one more while something is wrong.
pub(super) fn height(model: &Model) -> u16 {
    2 + u16::from(!alerts(model).is_empty())
}

pub(super) fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: Theme) {
    let name = format!("millpond {}", version(model));
    let endpoint = escaped(&model.endpoint);
    let left = Line::from(vec![
        Span::styled(name, theme.style(Tone::Accent)),
        Span::raw(format!("  {}", fit(&endpoint, usize::from(area.width / 2), theme.symbols))),
    ]);
    both_ends(line_of(area, 0), buffer, &left, &states(model, theme));
    if let Some(memory) = &model.stats.memory {
        buffer.set_line(area.x, area.y + 1, &memory_line(memory, area.width, theme), area.width);
    }
    let said = alerts(model).join("; ");
    let said = fit(&said, usize::from(area.width), theme.symbols);
    let line = Line::styled(said, theme.style(Tone::Bad));
    if area.height > 2 {
        buffer.set_line(area.x, area.y + 2, &line, area.width);
    }
}

/// All of it in one line, for a small terminal.
pub(super) fn draw_short(area: Rect, buffer: &mut Buffer, model: &Model, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let mut line = match &model.lost {
        Some(_) => Line::styled("LOST ", theme.style(Tone::Bad)),
        None => Line::default(),
    };
    if let Some(memory) = &model.stats.memory {
        let share = share_of_limit(memory);
        let mut text = format!("{} ", percent(Some(share)));
        if area.width >= MIN_BAR_WIDTH {
            text.insert_str(0, &format!("memory {} ", bar(share, BAR_COLUMNS, theme.symbols)));
        }
        line.push_span(Span::styled(text, theme.style(tone_of(memory))));
    }
    line.spans.extend(states(model, theme).spans);
    buffer.set_line(area.x, area.y, &line, area.width);
}

fn states(model: &Model, theme: Theme) -> Line<'static> {
    let stats = &model.stats;
    let mut spans = Vec::new();
    let mut add = |tone, text: String| {
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(text, theme.style(tone)));
    };
    if stats.ready {
        add(Tone::Good, "ready".into());
    } else {
        add(Tone::Warning, "loading".into());
    }
    match model.staleness() {
        Some(staleness) => add(Tone::Plain, format!("stale {}", span(staleness))),
        None => add(Tone::Warning, "incomplete".into()),
    }
    add(Tone::Plain, format!("up {}", span(seconds_of(stats) + model.age_seconds())));
    Line::from(spans)
}

fn memory_line(memory: &Memory, width: u16, theme: Theme) -> Line<'static> {
    let limit = count(memory.limit_bytes.max(1));
    let shares: Vec<_> = memory.types.iter().map(|each| count(each.bytes) / limit).collect();
    let tone = tone_of(memory);
    let mut line = Line::from("memory ");
    line.spans.extend(stacked_bar(&shares, usize::from(width / BAR_DIVISOR), theme));
    line.push_span(Span::styled(
        format!(" {}", percent(Some(share_of_limit(memory)))),
        theme.style(if tone == Tone::Plain { Tone::Strong } else { tone }),
    ));
    let (current, limit) = (bytes(memory.current_bytes), bytes(memory.limit_bytes));
    line.push_span(Span::raw(format!(" {current} of {limit}")));
    let stage = stage(memory);
    let pressure = format!("  pressure: {}", stage_text(stage));
    line.push_span(Span::styled(pressure, theme.style(tone)));
    line
}

fn share_of_limit(memory: &Memory) -> f64 {
    count(memory.current_bytes) / count(memory.limit_bytes.max(1))
}

fn stage(memory: &Memory) -> PressureStage {
    memory.pressure.as_ref().map_or(PressureStage::Normal, MemoryPressure::stage)
}

fn tone_of(memory: &Memory) -> Tone {
    match stage(memory) {
        PressureStage::Normal | PressureStage::Unspecified => Tone::Plain,
        PressureStage::Purging => Tone::Warning,
        PressureStage::Evicting | PressureStage::Paused => Tone::Bad,
    }
}

fn version(model: &Model) -> String {
    model.stats.build.as_ref().map(|build| escaped(&build.version)).unwrap_or_default()
}

fn line_of(area: Rect, line: u16) -> Rect {
    Rect { y: area.y + line, height: 1, ..area }
}

/// A line on the left, and one on the right. Where there is no room for both, the right one stays.
fn both_ends(area: Rect, buffer: &mut Buffer, left: &Line<'_>, right: &Line<'_>) {
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX).min(area.width);
    let room = area.width.saturating_sub(width + 1);
    buffer.set_line(area.x, area.y, left, room);
    buffer.set_line(area.x + area.width - width, area.y, right, width);
}
