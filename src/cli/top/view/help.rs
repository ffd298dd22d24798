//! The keys, in a box over all else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::cli::top::theme::{Symbols, Theme, Tone};

const KEYS: [(&str, &str); 10] = [
    ("q Esc Ctrl-C", "quit"),
    ("Tab, 1 to 4", "choose a pane"),
    ("s", "sort by the next column"),
    ("r", "reverse the order"),
    ("Up Down j k", "scroll"),
    ("PgUp PgDn", "scroll by ten rows"),
    ("Home End", "first and last rows"),
    ("p Space", "pause, and go on"),
    ("? h F1", "this help"),
    ("", "grown: since top began"),
];
const WIDTH: u16 = 44;
const KEY_COLUMNS: usize = 14;

pub(super) fn draw(area: Rect, buffer: &mut Buffer, theme: Theme) {
    let height = u16::try_from(KEYS.len()).unwrap_or(0) + 2;
    let (width, height) = (WIDTH.min(area.width), height.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let place = Rect { x, y, width, height };
    Clear.render(place, buffer);
    let block = Block::bordered().title(" keys ").border_style(theme.style(Tone::Accent));
    let inside = if theme.symbols == Symbols::Unicode && height > 4 {
        let inside = block.inner(place);
        block.render(place, buffer);
        inside
    } else {
        place
    };
    for ((key, what), y) in KEYS.iter().zip(inside.y..inside.bottom()) {
        let line = Line::from(vec![
            Span::styled(format!(" {key:<KEY_COLUMNS$} "), theme.style(Tone::Accent)),
            Span::raw(*what),
        ]);
        buffer.set_line(inside.x, y, &line, inside.width);
    }
}
