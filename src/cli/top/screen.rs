//! The terminal while it is drawn on, and as it was before, whatever happens.

use std::io::{self, Stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// The whole terminal. It is given back on drop, and before the message of a panic.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    is_taken: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        let is_taken = Arc::new(AtomicBool::new(true));
        restore_before_panic(Arc::clone(&is_taken));
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let screen = Self { terminal, is_taken };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        Ok(screen)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore(&self.is_taken);
    }
}

/// A message of a panic is for the screen that stays.
fn restore_before_panic(is_taken: Arc<AtomicBool>) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        restore(&is_taken);
        before(panic);
    }));
}

/// Gives the terminal back, once. If that fails there is no terminal any more.
fn restore(is_taken: &AtomicBool) {
    if is_taken.swap(false, Ordering::Relaxed) {
        let _ = disable_raw_mode();
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use millpond_acceptance::terminal::{GIVEN_BACK, TAKEN, Terminal};

    use super::*;

    #[test]
    fn a_panic_gives_the_terminal_back_and_its_message_stays() {
        let binary = env::current_exe().unwrap();
        let test = "cli::top::screen::tests::panic_with_a_screen";
        let command = format!("{} --exact {test} --ignored --nocapture", binary.display());
        let Some(terminal) = Terminal::required_by("a panic of top", &command) else { return };
        let before = terminal.value("before=");
        terminal.wait_for(TAKEN);
        let written = terminal.wait_for("after=");
        let given_back = written.find(GIVEN_BACK).expect("it is given back");
        let message = written.find("on purpose").expect("there is a message");
        assert!(given_back < message, "{written:?}");
        assert_ne!(terminal.end(&before), "0");
    }

    #[test]
    #[ignore = "the test above runs it on a terminal"]
    fn panic_with_a_screen() {
        let _screen = Screen::open().unwrap();
        panic!("on purpose");
    }
}
