//! A terminal for a command: what it writes, keys, signals, and the state that it leaves behind.
//!
//! `script` of util-linux makes the terminal. Knows nothing of the tests.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use crate::caller::PATIENCE;
use crate::require;

/// What a command writes that takes the whole terminal.
pub const TAKEN: &str = "\u{1b}[?1049h";
/// What it writes when it gives the terminal back.
pub const GIVEN_BACK: &str = "\u{1b}[?1049l";
/// What it writes when it shows the cursor again.
pub const CURSOR_SHOWN: &str = "\u{1b}[?25h";

const TOOLS: [&str; 3] = ["script", "stty", "tty"];

/// A command on a terminal of 80 columns and 24 lines. It is killed on drop, however the test ends.
#[derive(Debug)]
pub struct Terminal {
    script: Child,
    keys: Option<ChildStdin>,
    written: Arc<(Mutex<String>, Condvar)>,
}

impl Terminal {
    /// Runs a command for `test`. Returns None if this machine has no terminal for it, and has then
    /// printed that the test is skipped: the caller returns.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str, command: &str) -> Option<Self> {
        let lacking = TOOLS.into_iter().find(|tool| !is_there(tool));
        if let Some(tool) = lacking {
            let cure = "install bsdutils and coreutils";
            require::skip(test, "a terminal", &format!("there is no `{tool}`"), cure);
            return None;
        }
        Some(Self::run(command))
    }

    fn run(command: &str) -> Self {
        // The state of the terminal before and after, and who runs on it.
        let shell = format!(
            "stty rows 24 cols 80; echo terminal=$(tty); echo before=$(stty -g); \
             sh -c 'echo process=$$; exec {command}'; echo status=$?; echo after=$(stty -g)"
        );
        let mut script = Command::new("script")
            .args(["-q", "-c", &shell, "/dev/null"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let written = Arc::<(Mutex<String>, Condvar)>::default();
        let mut output = script.stdout.take().unwrap();
        let reader = Arc::clone(&written);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                reader.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
                reader.1.notify_all();
            }
        });
        let keys = script.stdin.take();
        Self { script, keys, written }
    }

    /// Waits until the text was written, and returns all that was.
    pub fn wait_for(&self, text: &str) -> String {
        let (written, changed) = &*self.written;
        let lacks = |written: &mut String| !written.contains(text);
        let guard = written.lock().unwrap();
        let (written, waited) = changed.wait_timeout_while(guard, PATIENCE, lacks).unwrap();
        assert!(!waited.timed_out(), "{text:?} was not written: {written:?}");
        written.clone()
    }

    /// Forgets what was written so far.
    pub fn forget(&self) {
        self.written.0.lock().unwrap().clear();
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        let input = self.keys.as_mut().unwrap();
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// The value that stands after a name, in what the shell wrote.
    pub fn value(&self, name: &str) -> String {
        let start = Instant::now();
        loop {
            let written = self.wait_for(name);
            let after = written.rsplit_once(name).unwrap().1;
            // The whole line is there once its end is.
            if let Some((value, _)) = after.split_once('\r') {
                return value.to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "{name} has no value: {written:?}");
            thread::yield_now();
        }
    }

    /// Waits for the end of the command. Its exit status, once the terminal is as it was before.
    pub fn end(mut self, before: &str) -> String {
        let status = self.value("status=");
        assert_eq!(self.value("after="), before, "the terminal has other settings than before");
        let written = self.wait_for("after=");
        let place = |text: &str| written.rfind(text).unwrap_or_else(|| panic!("no {text:?}"));
        assert!(place(GIVEN_BACK) < place("status="), "{written:?}");
        assert!(place(CURSOR_SHOWN) < place("status="), "{written:?}");
        drop(self.keys.take());
        status
    }
}

fn is_there(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
    found.is_ok_and(|found| found.status.success())
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}
