//! A pane with rows, and the titles above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::cli::top::controls::Controls;
use crate::cli::top::model::Model;
use crate::cli::top::pane::Pane;
use crate::cli::top::panes;
use crate::cli::top::theme::{Theme, Tone};

/// The lines that a second pane takes at least.
const MIN_SECOND: u16 = 4;

/// The pane that the keys have chosen, with the titles of all, and the next below it if there is room.
pub(super) fn draw_chosen(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    controls: &mut Controls,
    theme: Theme,
) {
    let title = |(number, pane): (usize, Pane)| {
        let tone = if pane == controls.pane { Tone::Accent } else { Tone::Faint };
        (format!("{} {}", number + 1, pane.title()), tone)
    };
    let titles: Vec<_> = Pane::ALL.into_iter().enumerate().map(title).collect();
    draw_rule(area, buffer, &titles, theme);
    let grid = panes::grid_of(controls.pane, model, theme);
    let height = u16::try_from(grid.height() + 2).unwrap_or(u16::MAX);
    if area.height < height.saturating_add(MIN_SECOND) {
        draw_rows(controls.pane, below_title(area), buffer, model, controls, theme);
        return;
    }
    // A short one leaves room for the next.
    let rows = below_title(Rect { height, ..area });
    draw_rows(controls.pane, rows, buffer, model, controls, theme);
    let rest = Rect { y: area.y + height, height: area.height - height, ..area };
    draw_titled(controls.pane.next(), rest, buffer, model, controls, theme);
}

/// One pane of several.
pub(super) fn draw_titled(
    pane: Pane,
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    controls: &mut Controls,
    theme: Theme,
) {
    let tone = if pane == controls.pane { Tone::Accent } else { Tone::Strong };
    let title = format!("{} {}", pane as usize + 1, pane.title());
    draw_rule(area, buffer, &[(title, tone)], theme);
    draw_rows(pane, below_title(area), buffer, model, controls, theme);
}

/// The rows without a title.
pub(super) fn draw_rows(
    pane: Pane,
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    controls: &mut Controls,
    theme: Theme,
) {
    panes::grid_of(pane, model, theme).draw(area, buffer, controls.order_of(pane), theme);
}

/// Titles, and a line to the end.
pub(super) fn draw_rule(area: Rect, buffer: &mut Buffer, titles: &[(String, Tone)], theme: Theme) {
    if area.is_empty() {
        return;
    }
    let rule = theme.symbols.rule();
    let faint = theme.style(Tone::Faint);
    let mut line = Line::from(Span::styled(rule, faint));
    for (title, tone) in titles {
        line.push_span(Span::styled(format!(" {title} "), theme.style(*tone)));
        line.push_span(Span::styled(rule, faint));
    }
    let rest = usize::from(area.width).saturating_sub(line.width());
    line.push_span(Span::styled(rule.repeat(rest), faint));
    buffer.set_line(area.x, area.y, &line, area.width);
}

fn below_title(area: Rect) -> Rect {
    let title = 1.min(area.height);
    Rect { y: area.y + title, height: area.height - title, ..area }
}
