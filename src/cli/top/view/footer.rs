//! The last line: the keys, and whether the figures stand still.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::cli::top::controls::Controls;
use crate::cli::top::format::span;
use crate::cli::top::model::Model;
use crate::cli::top::theme::{Theme, Tone};

const KEYS: [(&str, &str); 6] = [
    ("q", "quit"),
    ("Tab", "pane"),
    ("s", "sort"),
    ("r", "reverse"),
    ("p", "pause"),
    ("?", "help"),
];

pub(super) fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    controls: &Controls,
    theme: Theme,
) {
    if area.is_empty() {
        return;
    }
    let mut line = Line::default();
    if controls.is_paused() {
        let text = format!("PAUSED {} ago  ", span(model.age_seconds()));
        line.push_span(Span::styled(text, theme.style(Tone::Warning)));
    }
    for (key, what) in KEYS {
        line.push_span(Span::styled(key, theme.style(Tone::Accent)));
        line.push_span(Span::styled(format!(" {what}  "), theme.style(Tone::Faint)));
    }
    buffer.set_line(area.x, area.y, &line, area.width);
}
