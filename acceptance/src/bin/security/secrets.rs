//! Runs all of millpond with secrets in its configuration, in everything that it can print at once:
//! the log at debug, the statistics, `check` and `check --connect`, faults of the configuration, and
//! errors of callers. Then searches for each secret, as it is and encoded.
//!
//! Owns which secrets there are and what is run.

mod outputs;
mod planted;

use anyhow::Result;
use millpond_acceptance::report::say;
use millpond_acceptance::secret_search;

use planted::Planted;

/// A line for each secret that was found.
pub(crate) fn run() -> Result<Vec<String>> {
    let planted = Planted::new()?;
    let outputs = outputs::collect(&planted)?;
    let (mut failures, mut bytes) = (Vec::new(), 0);
    for output in &outputs {
        bytes += output.text.len();
        say(&format!("{:<42} {:>9} bytes searched", output.what, output.text.len()));
        for secret in planted.secrets() {
            if let Some(form) = secret_search::find(&output.text, &secret.text) {
                failures.push(format!("{} has {}, {form}", output.what, secret.what));
            }
        }
        if let Some(missing) = output.missing() {
            failures.push(format!("{} was not what it should be: no {missing}", output.what));
        }
    }
    let count = planted.secrets().len();
    say(&format!("{count} secrets in {} outputs of {bytes} bytes", outputs.len()));
    Ok(failures)
}
