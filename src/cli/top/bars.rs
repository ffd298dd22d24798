//! Bars and small graphs as text.

use ratatui::text::Span;

use super::history::History;
use super::theme::{Symbols, Theme, Tone};

/// A bar of this width, full to this share.
pub(super) fn bar(share: f64, width: usize, symbols: Symbols) -> String {
    let eighths = eighths_of(share, width);
    let (full, part) = (eighths / 8, eighths % 8);
    let lengths = symbols.lengths();
    let mut bar = lengths[8].repeat(full);
    if part > 0 && full < width {
        bar.push_str(lengths[part]);
    }
    let drawn = full + usize::from(part > 0 && full < width);
    bar + &symbols.empty().repeat(width - drawn)
}

/// A bar of this width, full to several shares one after the other, each in the colour of its place.
/// Without colours the parts look the same, and so the bar is full to their sum.
pub(super) fn stacked_bar(shares: &[f64], width: usize, theme: Theme) -> Vec<Span<'static>> {
    let symbols = theme.symbols;
    if !theme.has_colours() {
        return vec![Span::raw(bar(shares.iter().sum(), width, symbols))];
    }
    let mut spans = Vec::new();
    let (mut sum, mut drawn) = (0.0, 0);
    for (place, share) in shares.iter().enumerate() {
        sum += share.max(0.0);
        // Rounded at the ends, so that the parts add up to the whole.
        let end = ((eighths_of(sum, width) + 4) / 8).max(drawn);
        let text = symbols.lengths()[8].repeat(end - drawn);
        spans.push(Span::styled(text, theme.style(Tone::Type(place))));
        drawn = end;
    }
    let empty = symbols.empty().repeat(width - drawn);
    spans.push(Span::styled(empty, theme.style(Tone::Faint)));
    spans
}

/// The last values as a graph of this width and of so many lines, the highest first and the newest
/// value on the right. It is full at `max`, or at the largest value if that is larger.
pub(super) fn graph(
    history: &History,
    (width, lines): (usize, usize),
    max: u64,
    symbols: Symbols,
) -> Vec<String> {
    let max = history.max(width).max(max).max(1);
    let mut levels: Vec<_> = history
        .newest_first()
        .take(width)
        .map(|value| value.map_or(0, |value| level(value, max, 8 * lines)))
        .collect();
    levels.resize(width, 0);
    levels.reverse();
    let heights = symbols.heights();
    let line = |below: usize| -> String {
        levels.iter().map(|level| heights[level.saturating_sub(8 * below).min(8)]).collect()
    };
    (0..lines).rev().map(line).collect()
}

/// From 1 to so many. What is there is seen, however little it is.
fn level(value: u64, max: u64, levels: usize) -> usize {
    let level = (u128::from(value) * levels as u128).div_ceil(u128::from(max));
    usize::try_from(level).unwrap_or(levels).clamp(1, levels)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of the columns of a terminal"
)]
fn eighths_of(share: f64, width: usize) -> usize {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    // What is there is seen, however little it is.
    if share > 0.0 { eighths.max(1) } else { eighths }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn a_bar_is_as_full_as_the_share_and_always_as_wide_as_asked() {
        let of = |share, width| bar(share, width, Symbols::Unicode);
        assert_eq!(
            (of(0.0, 4), of(0.5, 4), of(1.0, 4)),
            ("····".into(), "██··".into(), "████".into())
        );
        assert_eq!((of(7.0, 2), of(-1.0, 2)), ("██".into(), "··".into()));
        assert_eq!((of(0.001, 3), of(0.45, 1)), ("▏··".into(), "▌".into()));
        assert_eq!(of(0.5, 0), "");
        assert_eq!(bar(0.5, 4, Symbols::Ascii), "##..");
    }

    #[test]
    fn the_parts_of_a_stacked_bar_add_up_to_the_whole() {
        let text = |has_colours, shares: &[f64]| -> String {
            let theme = Theme::new(has_colours, Symbols::Unicode);
            stacked_bar(shares, 8, theme).iter().map(|span| span.content.as_ref()).collect()
        };
        for shares in [&[0.06, 0.06, 0.06, 0.06, 0.26][..], &[0.5], &[0.25, 0.0, 0.25]] {
            assert_eq!(text(true, shares), "████····", "{shares:?}");
            assert_eq!(text(false, shares), "████····", "{shares:?}");
        }
        assert_eq!(text(true, &[0.9, 0.9]), "████████");
        let spans = stacked_bar(&[0.5, 0.25], 8, Theme::new(true, Symbols::Unicode));
        let colours: Vec<_> = spans.iter().map(|span| span.style.fg).collect();
        assert_eq!(colours, [Some(Color::LightBlue), Some(Color::Cyan), None]);
    }

    #[test]
    fn a_graph_has_the_newest_value_on_the_right() {
        let mut history = History::default();
        let values = [Some(100.0), None, Some(0.0), Some(50.0), Some(100.0)];
        for value in values {
            history.push(value);
        }
        assert_eq!(graph(&history, (6, 1), 0, Symbols::Unicode), [" █ ▁▄█"]);
        assert_eq!(graph(&history, (2, 1), 200, Symbols::Unicode), ["▂▄"]);
        assert_eq!(graph(&History::default(), (3, 1), 0, Symbols::Ascii), ["   "]);
        assert_eq!(graph(&history, (3, 2), 0, Symbols::Unicode), ["  █", "▁██"]);
    }
}
