//! Figures as short texts for columns.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::theme::Symbols;

/// A number of things a second, in at most six columns.
pub(super) fn rate(a_second: Option<f64>) -> String {
    match a_second {
        None => "-".into(),
        Some(rate) => short(rate),
    }
}

/// A number in at most six columns.
pub(super) fn short(number: f64) -> String {
    match number {
        n if n < 0.05 => "0".into(),
        n if n < 9.95 => format!("{n:.1}"),
        n if n < 9_999.5 => format!("{n:.0}"),
        n if n < 999_950.0 => format!("{:.1}k", n / 1e3),
        n if n < 999_950_000.0 => format!("{:.1}M", n / 1e6),
        n => format!("{:.1}G", n / 1e9),
    }
}

/// A share in at most four columns.
pub(super) fn percent(share: Option<f64>) -> String {
    match share {
        None => "-".into(),
        // Only what is whole is shown as that.
        Some(share) if share < 1.0 => format!("{:.0}%", (share * 100.0).min(99.0)),
        Some(share) => format!("{:.0}%", share * 100.0),
    }
}

/// A time in its two largest units.
pub(super) fn span(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{:.1}s", seconds.max(0.0));
    }
    let parts = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s")];
    let first = parts.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(parts.len() - 1);
    let (unit, name) = parts[first];
    let mut text = format!("{:.0}{name}", (seconds / unit).floor());
    if let Some((smaller, name)) = parts.get(first + 1) {
        let rest = (seconds % unit / smaller).floor();
        let _ = write!(text, " {rest:.0}{name}");
    }
    text
}

/// A text that is no wider than so many columns. What is cut off leaves a mark.
pub(super) fn fit(text: &str, width: usize, symbols: Symbols) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = symbols.ellipsis();
    let room = width.saturating_sub(1);
    let mut fitted = String::new();
    for each in text.chars() {
        fitted.push(each);
        if fitted.width() > room {
            fitted.pop();
            break;
        }
    }
    if width > 0 {
        fitted.push_str(mark);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        for (number, text) in [
            (0.0, "0"),
            (0.04, "0"),
            (3.24, "3.2"),
            (9.96, "10"),
            (2_010.4, "2010"),
            (12_345.0, "12.3k"),
            (999_960.0, "1.0M"),
            (4.2e9, "4.2G"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!((rate(None), rate(Some(7.0))), ("-".into(), "7.0".into()));
        assert_eq!(percent(Some(0.999)), "99%", "not all of them");
        assert_eq!((percent(Some(1.0)), percent(None)), ("100%".into(), "-".into()));
    }

    #[test]
    fn a_time_has_its_two_largest_units() {
        for (seconds, text) in [
            (0.44, "0.4s"),
            (59.9, "59s"),
            (61.0, "1m 1s"),
            (7_322.0, "2h 2m"),
            (90_000.0, "1d 1h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_text_that_is_too_wide_is_cut_by_columns_and_not_by_characters() {
        assert_eq!(fit("services", 8, Symbols::Unicode), "services");
        assert_eq!(fit("services", 5, Symbols::Unicode), "serv…");
        assert_eq!(fit("services", 5, Symbols::Ascii), "serv~");
        assert_eq!(fit("表表表", 5, Symbols::Unicode), "表表…");
        assert_eq!(fit("表表表", 4, Symbols::Unicode), "表…");
        assert_eq!(fit("services", 0, Symbols::Unicode), "");
        assert_eq!(fit("services", 1, Symbols::Unicode), "…");
    }
}
