//! What the keys change: the pane, its order and its place, help, and whether new figures are shown.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::grid::Order;
use super::pane::Pane;

/// Rows that a page is, where the screen is not known.
const PAGE_ROWS: usize = 10;

/// What the keys have set.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) pane: Pane,
    order: [Order; Pane::ALL.len()],
    pub(super) has_help: bool,
    is_paused: bool,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Quit,
}

impl Controls {
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// The order of a pane. What draws it corrects what does not fit.
    pub(super) fn order_of(&mut self, pane: Pane) -> &mut Order {
        &mut self.order[pane as usize]
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::GoOn;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if is_control => return Next::Quit,
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc if !self.has_help => return Next::Quit,
            // Any key closes the help.
            _ if self.has_help => self.has_help = false,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.has_help = true,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            code => self.press_in_pane(code),
        }
        Next::GoOn
    }

    fn press_in_pane(&mut self, code: KeyCode) {
        match code {
            KeyCode::Tab => self.pane = self.pane.next(),
            KeyCode::BackTab => self.pane = self.pane.before(),
            KeyCode::Char(digit @ '1'..='9') => {
                let place = usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(0);
                self.pane = Pane::ALL.get(place).copied().unwrap_or(self.pane);
            }
            code => press_in_order(self.order_of(self.pane), code),
        }
    }
}

fn press_in_order(order: &mut Order, code: KeyCode) {
    let row = &mut order.first_row;
    match code {
        KeyCode::Char('s') => order.column = Some(order.column.map_or(0, |column| column + 1)),
        KeyCode::Char('r') => order.is_reversed = !order.is_reversed,
        KeyCode::Up | KeyCode::Char('k') => *row = row.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => *row = row.saturating_add(1),
        KeyCode::PageUp => *row = row.saturating_sub(PAGE_ROWS),
        KeyCode::PageDown => *row = row.saturating_add(PAGE_ROWS),
        KeyCode::Home => *row = 0,
        KeyCode::End => *row = usize::MAX,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(controls: &mut Controls, code: KeyCode) -> Next {
        controls.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn q_escape_and_control_c_quit_and_escape_closes_the_help_first() {
        let mut controls = Controls::default();
        assert_eq!(press(&mut controls, KeyCode::Char('?')), Next::GoOn);
        assert!(controls.has_help);
        assert_eq!(press(&mut controls, KeyCode::Esc), Next::GoOn);
        assert!(!controls.has_help);
        assert_eq!(press(&mut controls, KeyCode::Esc), Next::Quit);
        assert_eq!(press(&mut controls, KeyCode::Char('q')), Next::Quit);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(controls.press(control_c), Next::Quit);
        assert_eq!(press(&mut controls, KeyCode::Char('c')), Next::GoOn);
    }

    #[test]
    fn tab_and_digits_choose_a_pane_and_each_pane_keeps_its_place() {
        let mut controls = Controls::default();
        press(&mut controls, KeyCode::Down);
        press(&mut controls, KeyCode::Tab);
        assert_eq!(controls.pane, Pane::Partitions);
        assert_eq!(controls.order_of(Pane::Partitions).first_row, 0);
        press(&mut controls, KeyCode::Up);
        press(&mut controls, KeyCode::End);
        press(&mut controls, KeyCode::Down);
        assert_eq!(controls.order_of(Pane::Partitions).first_row, usize::MAX);
        press(&mut controls, KeyCode::BackTab);
        assert_eq!(controls.order_of(Pane::Tables).first_row, 1);
        press(&mut controls, KeyCode::Char('4'));
        assert_eq!(controls.pane, Pane::Memory);
        press(&mut controls, KeyCode::Char('9'));
        assert_eq!(controls.pane, Pane::Memory, "there is no ninth");
    }

    #[test]
    fn s_goes_through_the_columns_and_r_reverses() {
        let mut controls = Controls::default();
        for column in [0, 1] {
            press(&mut controls, KeyCode::Char('s'));
            assert_eq!(controls.order_of(Pane::Tables).column, Some(column));
        }
        press(&mut controls, KeyCode::Char('r'));
        assert!(controls.order_of(Pane::Tables).is_reversed);
    }
}
