//! The settings of librdkafka whose values are read from files: `kafka.secrets`.
//!
//! Owns their form, and what is refused of them before a client is created. Reading the values is
//! up to `ingest`, which does it again when the files change.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::form::Form;
use super::property;
use super::report::Report;
use super::secret::HIDDEN;
use super::security;
use crate::small_file;

/// The path of a file. It is not shown in a fault: somebody may write the secret itself here.
pub(super) struct SecretFileForm;

impl Form for SecretFileForm {
    type Value = PathBuf;

    fn wanted(&self) -> String {
        "the path of a file that holds the value alone".into()
    }

    fn parse(&self, text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err("no path".into()) } else { Ok(text.into()) }
    }

    fn show(&self, _: &str) -> String {
        HIDDEN.into()
    }
}

/// Why a setting of this name is refused, and what to write instead.
pub(super) fn name_fault(name: &str) -> Option<(String, String)> {
    if security::is_file(name) {
        let wrong = "the value of this setting is itself the path of a file";
        return Some((wrong.into(), format!("write the path as kafka.properties.\"{name}\"")));
    }
    property::name_fault(name)
}

/// Reports settings that are written twice, and files that cannot be read.
pub(super) fn check(
    path: &str,
    secrets: &BTreeMap<String, PathBuf>,
    properties: &BTreeMap<String, String>,
    report: &mut Report,
) {
    for (name, file) in secrets {
        let key = format!("{path}.{name}");
        if properties.contains_key(name) {
            let cure = format!("leave it out here, or as kafka.properties.\"{name}\"");
            report.fault(&key, "this setting is in kafka.properties too", cure);
        }
        if let Some((wrong, cure)) = small_file::unreadable(file) {
            report.fault(&key, wrong, cure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};

    #[test]
    fn a_secret_is_named_by_its_file_which_is_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let variable = [("MILLPOND_KAFKA__SECRETS__SASL_PASSWORD", path.as_str())];
        let text = format!("{SMALLEST}[kafka.secrets]\nsasl.password = \"{path}\"\n");
        for config in [load(SMALLEST, &variable, &[]).unwrap(), load(&text, &[], &[]).unwrap()] {
            assert_eq!(config.kafka.secrets["sasl.password"], file.path());
            assert_eq!(config.kafka.files().count(), 1);
            let again = load(&config.effective(), &[], &[]).unwrap();
            assert_eq!(again.kafka.secrets, config.kafka.secrets);
        }
    }

    #[test]
    fn a_secret_in_the_place_of_its_file_is_a_fault_that_does_not_show_it() {
        let setting = "kafka.secrets.sasl.password=hunter2";
        let expected = "kafka.secrets.sasl.password: there is no file at this path";
        assert_eq!(faults(SMALLEST, &[], &[setting]), [expected]);
        let error = load(SMALLEST, &[], &[setting]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }

    #[test]
    fn a_setting_that_has_no_place_here_is_a_fault() {
        for (settings, expected) in [
            (
                &["kafka.secrets.group.id=/"][..],
                "kafka.secrets.group.id: millpond owns this setting of librdkafka",
            ),
            (
                &["kafka.secrets.ssl.ca.location=/"],
                "kafka.secrets.ssl.ca.location: the value of this setting is itself the path of a \
                 file",
            ),
            (
                &["kafka.secrets.sasl.password=/", "kafka.properties.sasl.password=a"],
                "kafka.secrets.sasl.password: this setting is in kafka.properties too",
            ),
            (
                &["kafka.secrets.sasl.password="],
                "kafka.secrets.sasl.password: found <hidden>: no path",
            ),
        ] {
            assert_eq!(faults(SMALLEST, &[], settings), [expected]);
        }
    }
}
