//! The colours and the characters that everything is drawn with.

use std::env;

use ratatui::style::{Color, Modifier, Style};

/// What a text says by its looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
    /// The title of what is chosen, and keys.
    Accent,
    /// The memory type at this place.
    Type(usize),
}

/// Colours or none, and the characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    has_colours: bool,
    pub(super) symbols: Symbols,
}

/// The characters for bars, graphs and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbols {
    Unicode,
    Ascii,
}

/// Colours of the memory types, which a terminal's own theme decides on. Neighbours differ in
/// brightness too.
const TYPES: [Color; 8] = [
    Color::LightBlue,
    Color::Cyan,
    Color::Magenta,
    Color::LightYellow,
    Color::Green,
    Color::LightRed,
    Color::Gray,
    Color::Blue,
];

impl Theme {
    pub(super) fn new(has_colours: bool, symbols: Symbols) -> Self {
        Self { has_colours, symbols }
    }

    pub(super) fn has_colours(self) -> bool {
        self.has_colours
    }

    pub(super) fn style(self, tone: Tone) -> Style {
        let (modifier, colour) = match tone {
            Tone::Plain => (Modifier::empty(), None),
            Tone::Strong => (Modifier::BOLD, None),
            Tone::Faint => (Modifier::DIM, None),
            Tone::Good => (Modifier::empty(), Some(Color::Green)),
            Tone::Warning => (Modifier::BOLD, Some(Color::Yellow)),
            Tone::Bad if self.has_colours => (Modifier::BOLD, Some(Color::LightRed)),
            // Without colours it stands out all the same.
            Tone::Bad => (Modifier::BOLD.union(Modifier::REVERSED), None),
            Tone::Accent => (Modifier::BOLD, Some(Color::Cyan)),
            Tone::Type(place) => (Modifier::empty(), Some(TYPES[place % TYPES.len()])),
        };
        let style = Style::new().add_modifier(modifier);
        match colour.filter(|_| self.has_colours) {
            Some(colour) => style.fg(colour),
            None => style,
        }
    }
}

impl Symbols {
    /// Those that the terminal can show, by the locale of the environment.
    pub(super) fn of_locale() -> Self {
        Self::of(|name| env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"];
        let locale = names.into_iter().filter_map(variable).find(|value| !value.is_empty());
        // Containers often have no locale, and the terminals of today have UTF-8.
        let Some(locale) = locale else { return Self::Unicode };
        let locale = locale.to_ascii_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    /// Eight heights from low to high, and nothing before them.
    pub(super) fn heights(self) -> [&'static str; 9] {
        match self {
            Self::Unicode => [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            Self::Ascii => [" ", "_", "_", ".", "-", "-", "=", "*", "#"],
        }
    }

    /// Eight lengths of one column of a bar, and nothing before them.
    pub(super) fn lengths(self) -> [&'static str; 9] {
        match self {
            Self::Unicode => [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
            Self::Ascii => [" ", " ", " ", " ", "=", "=", "=", "=", "#"],
        }
    }

    /// The part of a bar that is not full.
    pub(super) fn empty(self) -> &'static str {
        if self == Self::Unicode { "·" } else { "." }
    }

    pub(super) fn rule(self) -> &'static str {
        if self == Self::Unicode { "─" } else { "-" }
    }

    pub(super) fn ellipsis(self) -> &'static str {
        if self == Self::Unicode { "…" } else { "~" }
    }

    /// The mark of the type of memory that a colour stands for.
    pub(super) fn bullet(self) -> &'static str {
        if self == Self::Unicode { "■" } else { "*" }
    }

    /// The direction that rows are sorted in.
    pub(super) fn arrow(self, is_falling: bool) -> &'static str {
        match (self, is_falling) {
            (Self::Unicode, true) => "▼",
            (Self::Unicode, false) => "▲",
            (Self::Ascii, true) => "v",
            (Self::Ascii, false) => "^",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_that_is_not_utf_8_gets_ascii() {
        let of = |set: &'static [(&str, &str)]| {
            Symbols::of(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), Symbols::Unicode);
        assert_eq!(of(&[("LANG", "en_GB.UTF-8")]), Symbols::Unicode);
        assert_eq!(of(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")]), Symbols::Ascii);
        assert_eq!(of(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]), Symbols::Unicode);
    }

    #[test]
    fn without_colours_no_style_has_any() {
        let theme = Theme::new(false, Symbols::Ascii);
        let tones =
            [Tone::Plain, Tone::Good, Tone::Warning, Tone::Bad, Tone::Accent, Tone::Type(3)];
        assert!(tones.iter().all(|tone| theme.style(*tone).fg.is_none()));
        assert!(theme.style(Tone::Bad).add_modifier.contains(Modifier::REVERSED));
    }
}
