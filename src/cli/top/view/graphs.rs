//! What happened lately: small graphs of rates, each with its value now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::draw_rule;
use crate::cli::output::bytes;
use crate::cli::top::bars::graph;
use crate::cli::top::figures::{Rates, TableRates, count};
use crate::cli::top::format::{percent, rate, short};
use crate::cli::top::history::History;
use crate::cli::top::model::{Model, lag};
use crate::cli::top::theme::{Theme, Tone};

const LABEL_COLUMNS: usize = 12;
const VALUE_COLUMNS: usize = 10;
const MAX_LINES: usize = 3;
/// The graphs that there are.
const GRAPHS: u16 = 7;

/// The lines that it takes with graphs of two lines.
pub(super) const TALL_HEIGHT: u16 = 1 + 2 * GRAPHS;

/// A graph: its label, its value now, its values before, and where it is full at least.
type Graph<'a> = (&'static str, String, &'a History, u64);

pub(super) fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: Theme) {
    draw_rule(area, buffer, &[("lately".into(), Tone::Strong)], theme);
    let width = usize::from(area.width).saturating_sub(LABEL_COLUMNS + VALUE_COLUMNS + 1);
    let graphs = graphs(model);
    let lines = (usize::from(area.height).saturating_sub(1) / graphs.len()).clamp(1, MAX_LINES);
    let mut free = area.y + 1..area.bottom();
    for (place, (label, value, history, max)) in graphs.into_iter().enumerate() {
        // What it is stands beside the lowest line.
        let texts = (1..lines).map(|_| (String::new(), String::new()));
        let texts = texts.chain([(label.to_owned(), value)]);
        let graph = graph(history, (width, lines), max, theme.symbols);
        for ((label, value), graph) in texts.zip(graph) {
            let Some(y) = free.next() else { return };
            let line = Line::from(vec![
                Span::raw(format!("{label:<LABEL_COLUMNS$}")),
                Span::styled(format!("{value:>VALUE_COLUMNS$} "), theme.style(Tone::Strong)),
                Span::styled(graph, theme.style(Tone::Type(place))),
            ]);
            buffer.set_line(area.x, y, &line, area.width);
        }
    }
}

fn graphs(model: &Model) -> Vec<Graph<'_>> {
    let graphs = &model.graphs;
    let all = model.rates.as_ref().map(Rates::all_tables);
    let of = |number: fn(TableRates) -> f64| rate(all.map(number));
    let memory = model.stats.memory.as_ref();
    let (current, limit) =
        memory.map_or((0, 0), |memory| (memory.current_bytes, memory.limit_bytes));
    let rpc = model.stats.rpc.as_ref();
    let mut shown = vec![
        ("lookups/s", of(TableRates::lookups), &graphs.lookups, 0),
        ("hits", percent(all.and_then(TableRates::hit_ratio)), &graphs.hits, 100),
        ("records/s", of(|all| all.records), &graphs.records, 0),
        ("evicted/s", of(|all| all.evicted), &graphs.evictions, 0),
        ("lag", short(count(lag(&model.stats))), &graphs.lag, 0),
        ("memory", bytes(current), &graphs.memory_bytes, u64::try_from(limit).unwrap_or(0)),
    ];
    if let Some(rpc) = rpc {
        shown.push(("open calls", short(count(rpc.open_call_count)), &graphs.calls, 0));
    }
    shown
}
