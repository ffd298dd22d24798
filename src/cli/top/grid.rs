//! Rows and columns of figures: which columns fit, how rows are sorted, and which are shown.
//!
//! What the figures are is not known here.

use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::format::fit;
use super::theme::{Theme, Tone};

/// Columns between two columns.
const GAP: usize = 1;

/// A column. The first one of a grid takes what the others leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: usize,
    /// Columns with a higher one are left out first where there is no room.
    pub(super) priority: u8,
}

/// The order of rows, and the first row that is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    /// The column that rows are sorted by. None for the grid's own order.
    pub(super) column: Option<usize>,
    pub(super) is_reversed: bool,
    pub(super) first_row: usize,
}

/// A row of cells, one for each column.
#[derive(Debug, Clone)]
pub(super) struct Row(pub(super) Vec<Cell>);

/// What is in a cell, and what it is sorted by.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
    key: Key,
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    Text(String),
    /// None comes after all numbers.
    Number(Option<f64>),
}

/// Rows under the titles of their columns.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) columns: &'static [Column],
    pub(super) rows: Vec<Row>,
    /// The column that rows are sorted by unless a key says otherwise.
    pub(super) sorted_by: usize,
    /// What is said where there are no rows.
    pub(super) nothing: &'static str,
}

impl Cell {
    pub(super) fn text(text: String) -> Self {
        let key = Key::Text(text.clone());
        Self { text, tone: Tone::Plain, key }
    }

    /// A text that stands for a number.
    pub(super) fn number(text: String, number: impl Into<Option<f64>>) -> Self {
        Self { text, tone: Tone::Plain, key: Key::Number(number.into()) }
    }

    pub(super) fn with_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn is_number(&self) -> bool {
        matches!(self.key, Key::Number(_))
    }

    /// Texts rise, and numbers fall: the largest is what one looks for.
    fn compare(&self, other: &Self) -> Ordering {
        match (&self.key, &other.key) {
            (Key::Text(one), Key::Text(other)) => one.cmp(other),
            (Key::Number(one), Key::Number(other)) => match (one, other) {
                (Some(one), Some(other)) => other.total_cmp(one),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
            _ => Ordering::Equal,
        }
    }
}

impl Grid {
    /// Draws the titles and the rows that fit. Corrects an order that does not fit the grid.
    pub(super) fn draw(
        &mut self,
        area: Rect,
        buffer: &mut Buffer,
        order: &mut Order,
        theme: Theme,
    ) {
        if area.is_empty() {
            return;
        }
        let shown = self.fitting(usize::from(area.width));
        order.column = order.column.filter(|column| *column < self.columns.len());
        let sorted_by = order.column.unwrap_or(self.sorted_by);
        self.sort(sorted_by, order.is_reversed);
        let widths = self.widths(&shown, usize::from(area.width));
        self.draw_titles(area, buffer, &shown, &widths, (sorted_by, order.is_reversed), theme);
        let room = usize::from(area.height) - 1;
        order.first_row = order.first_row.min(self.rows.len().saturating_sub(room));
        if self.rows.is_empty() && room > 0 {
            let line = Line::styled(self.nothing, theme.style(Tone::Faint));
            buffer.set_line(area.x, area.y + 1, &line, area.width);
        }
        for (row, y) in self.rows.iter().skip(order.first_row).take(room).zip(area.y + 1..) {
            let cells = shown.iter().map(|column| &row.0[*column]);
            let cells = cells.zip(&widths).enumerate();
            let spans = cells.map(|(place, (cell, width))| {
                let text = aligned(&cell.text, *width, cell.is_number(), place > 0, theme);
                Span::styled(text, theme.style(cell.tone))
            });
            let line = Line::from(spans.collect::<Vec<_>>());
            buffer.set_line(area.x, y, &line, area.width);
        }
    }

    /// Lines that all rows and the titles take.
    pub(super) fn height(&self) -> usize {
        self.rows.len() + 1
    }

    /// The columns that fit, in their order. The first always does.
    fn fitting(&self, width: usize) -> Vec<usize> {
        let mut by_priority: Vec<_> = (1..self.columns.len()).collect();
        by_priority.sort_by_key(|column| self.columns[*column].priority);
        let mut room = width.saturating_sub(self.columns[0].width);
        let mut fitting = vec![0];
        for column in by_priority {
            let needed = self.columns[column].width + GAP;
            // A column that is less important does not take the place of one that does not fit.
            if needed > room {
                break;
            }
            room -= needed;
            fitting.push(column);
        }
        fitting.sort_unstable();
        fitting
    }

    fn widths(&self, shown: &[usize], width: usize) -> Vec<usize> {
        let others: usize = shown[1..].iter().map(|column| self.columns[*column].width + GAP).sum();
        let first = width.saturating_sub(others);
        let of = |column: &usize| match column {
            0 => first,
            column => self.columns[*column].width,
        };
        shown.iter().map(of).collect()
    }

    fn sort(&mut self, column: usize, is_reversed: bool) {
        self.rows.sort_by(|one, other| {
            let by_column = one.0[column].compare(&other.0[column]);
            let by_column = if is_reversed { by_column.reverse() } else { by_column };
            by_column.then_with(|| one.0[0].compare(&other.0[0]))
        });
    }

    fn draw_titles(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        shown: &[usize],
        widths: &[usize],
        (sorted_by, is_reversed): (usize, bool),
        theme: Theme,
    ) {
        let is_number =
            |column: usize| self.rows.first().map_or(column > 0, |row| row.0[column].is_number());
        let title = |(column, width): (&usize, &usize)| {
            let (column, width) = (*column, *width);
            let mut title = self.columns[column].title.to_owned();
            let mut style = theme.style(Tone::Faint);
            if column == sorted_by {
                let is_falling = is_number(column) != is_reversed;
                title = fit(&title, width.saturating_sub(1), theme.symbols);
                title.push_str(theme.symbols.arrow(is_falling));
                style = theme.style(Tone::Strong);
            }
            let style = style.add_modifier(Modifier::UNDERLINED);
            Span::styled(aligned(&title, width, is_number(column), column > 0, theme), style)
        };
        let line = Line::from(shown.iter().zip(widths).map(title).collect::<Vec<_>>());
        buffer.set_line(area.x, area.y, &line, area.width);
    }
}

/// A text of exactly this width, and a gap before it if it has one.
fn aligned(text: &str, width: usize, is_right: bool, has_gap: bool, theme: Theme) -> String {
    let text = fit(text, width, theme.symbols);
    let space = " ".repeat(width.saturating_sub(text.width()));
    let gap = if has_gap { " ".repeat(GAP) } else { String::new() };
    if is_right { format!("{gap}{space}{text}") } else { format!("{gap}{text}{space}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::theme::Symbols;

    const COLUMNS: [Column; 3] = [
        Column { title: "name", width: 4, priority: 0 },
        Column { title: "entries", width: 7, priority: 1 },
        Column { title: "lag", width: 3, priority: 2 },
    ];

    fn grid() -> Grid {
        let row = |name: &str, entries: f64, lag: Option<f64>| {
            let lag = Cell::number(lag.map_or("-".into(), |lag| format!("{lag:.0}")), lag);
            Row(vec![Cell::text(name.into()), Cell::number(format!("{entries:.0}"), entries), lag])
        };
        let rows =
            vec![row("b", 5.0, Some(1.0)), row("表表表", 70.0, None), row("a", 5.0, Some(9.0))];
        Grid { columns: &COLUMNS, rows, sorted_by: 1, nothing: "no rows" }
    }

    fn drawn(grid: &mut Grid, width: u16, height: u16, order: &mut Order) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        grid.draw(area, &mut buffer, order, Theme::new(false, Symbols::Ascii));
        let line = |y| {
            let mut line = String::new();
            let mut x = 0;
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap();
            }
            line.trim_end().to_owned()
        };
        (0..height).map(line).collect()
    }

    #[test]
    fn rows_are_sorted_and_aligned_and_a_wide_name_moves_no_column() {
        let mut order = Order::default();
        let lines = drawn(&mut grid(), 20, 4, &mut order);
        let spaces = " ".repeat(8);
        assert_eq!(lines[0], "name     entri~v lag");
        assert_eq!(lines[1], format!("表表表{spaces}70   -"));
        assert_eq!(lines[2], "a              5   9");
        assert_eq!(lines[3], "b              5   1");
    }

    #[test]
    fn the_columns_that_matter_least_give_way_and_no_size_is_too_small() {
        let mut order = Order::default();
        assert_eq!(drawn(&mut grid(), 12, 2, &mut order)[1], "表~       70");
        assert_eq!(drawn(&mut grid(), 3, 2, &mut order)[1], "表~");
        assert_eq!(drawn(&mut grid(), 1, 1, &mut order), ["~"]);
        assert_eq!(drawn(&mut grid(), 0, 0, &mut order), [""; 0]);
    }

    #[test]
    fn an_order_beyond_the_grid_is_corrected_and_numbers_that_are_missing_come_last() {
        let mut order = Order { column: Some(2), is_reversed: false, first_row: 0 };
        let of = |order: &mut Order| drawn(&mut grid(), 20, 4, order)[1..].join("/");
        let names: String = of(&mut order).chars().filter(|c| "ab表".contains(*c)).collect();
        assert_eq!(names, "ab表表表");
        order = Order { column: Some(9), is_reversed: true, first_row: usize::MAX };
        let names: String = of(&mut order).chars().filter(|c| "ab表".contains(*c)).collect();
        assert_eq!(names, "ab表表表");
        assert_eq!((order.column, order.first_row), (None, 0));
        let mut empty = Grid { rows: Vec::new(), ..grid() };
        assert_eq!(drawn(&mut empty, 20, 2, &mut order)[1], "no rows");
    }
}
