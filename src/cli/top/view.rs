//! Draws all there is, as much of it as the terminal has room for.

mod alerts;
mod footer;
mod graphs;
mod header;
mod help;
mod list;
mod memory;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::controls::Controls;
use super::model::Model;
use super::pane::Pane;
use super::panes;
use super::theme::Theme;

/// Below this there is one line of states, and the rows of the pane.
const MIN_HEIGHT: u16 = 10;
/// From here on graphs stand beside the memory.
const GRAPHS_WIDTH: u16 = 76;
/// From here on several panes are shown.
const ALL_PANES: (u16, u16) = (110, 36);

/// Draws one frame.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, controls: &mut Controls, theme: Theme) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.height < MIN_HEIGHT {
        let (top, rest) = split(area, 1);
        header::draw_short(top, buffer, model, theme);
        list::draw_rows(controls.pane, rest, buffer, model, controls, theme);
    } else {
        let (top, rest) = split(area, header::height(model));
        header::draw(top, buffer, model, theme);
        let (body, bottom) = split(rest, rest.height.saturating_sub(1));
        footer::draw(bottom, buffer, model, controls, theme);
        draw_body(body, frame, model, controls, theme);
    }
    if controls.has_help {
        help::draw(frame.area(), frame.buffer_mut(), theme);
    }
}

fn draw_body(
    area: Rect,
    frame: &mut Frame<'_>,
    model: &Model,
    controls: &mut Controls,
    theme: Theme,
) {
    let buffer = frame.buffer_mut();
    let has_all = area.width >= ALL_PANES.0 && area.height >= ALL_PANES.1;
    let wanted = memory::height(model).max(if has_all { graphs::TALL_HEIGHT } else { 0 });
    let memory_height = wanted.min(area.height / 2);
    let (top, lists) = split(area, memory_height);
    if area.width >= GRAPHS_WIDTH {
        let (left, right) = split_columns(top, area.width.min(120) / 2);
        memory::draw(left, buffer, model, theme);
        graphs::draw(right, buffer, model, theme);
    } else {
        memory::draw(top, buffer, model, theme);
    }
    if has_all {
        draw_all(lists, buffer, model, controls, theme);
    } else {
        list::draw_chosen(lists, buffer, model, controls, theme);
    }
}

/// The tables, below them the partitions, and those who call beside them.
fn draw_all(
    area: Rect,
    buffer: &mut ratatui::buffer::Buffer,
    model: &Model,
    controls: &mut Controls,
    theme: Theme,
) {
    let wanted = panes::grid_of(Pane::Tables, model, theme).height() + 2;
    let height = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.height / 2);
    let (top, below) = split(area, height);
    list::draw_titled(Pane::Tables, top, buffer, model, controls, theme);
    // What is chosen of the others stands on the right.
    let chosen = if controls.pane == Pane::Memory { Pane::Memory } else { Pane::Callers };
    let (left, right) = split_columns(below, below.width.saturating_mul(3) / 5);
    list::draw_titled(Pane::Partitions, left, buffer, model, controls, theme);
    list::draw_titled(chosen, right, buffer, model, controls, theme);
}

/// The first lines, and the rest.
fn split(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let rest = Rect { y: area.y + height, height: area.height - height, ..area };
    (Rect { height, ..area }, rest)
}

/// The first columns, and after a gap the rest.
fn split_columns(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let gap = 2.min(area.width - width);
    let rest = Rect { x: area.x + width + gap, width: area.width - width - gap, ..area };
    (Rect { width, ..area }, rest)
}

#[cfg(test)]
mod tests;
