//! Hides what is configured under `kafka.properties` and `kafka.secrets` in texts of librdkafka, some of which quote it.
//!
//! Secrets are hidden, and every other value too, unless it is short, a number or one of librdkafka's
//! own words, such as the name of a protocol.

use super::credentials::Credentials;
use crate::config::{Config, Property};

const HIDDEN: &str = "<hidden>";
/// A shorter value is hidden where it stands as a word, and not within another.
const MIN_PART: usize = 4;
/// librdkafka cuts its texts off, and a long value with them: so much of its beginning shows it.
const BEGINNING: usize = 16;
/// Words of librdkafka that are values of settings and appear in its reasons.
const PLAIN_WORDS: [&str; 14] = [
    "ssl",
    "plaintext",
    "sasl_ssl",
    "sasl_plaintext",
    "plain",
    "scram-sha-256",
    "scram-sha-512",
    "oauthbearer",
    "gssapi",
    "https",
    "none",
    "true",
    "false",
    "all",
];

/// The texts to hide, the longest first. Not `Debug`, since they are secrets.
pub(super) struct Redaction(Vec<String>);

impl Redaction {
    pub(super) fn of(config: &Config, credentials: &Credentials) -> Self {
        let values = config.kafka.properties.values().filter(|value| !is_plain(value));
        let secrets = credentials.settings().map(|(_, secret)| secret.expose());
        let values = values.map(Property::expose).chain(secrets);
        let mut values: Vec<_> = values.map(|value| value.trim().to_owned()).collect();
        values.retain(|value| !value.is_empty());
        values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// The text without any of the values.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| hide_value(text, value))
    }
}

/// The text without this value, whatever it is.
pub(super) fn hide_value(text: String, value: &str) -> String {
    if value.is_empty() {
        return text;
    }
    if value.len() < MIN_PART {
        return hide_word(&text, value);
    }
    let text = text.replace(value, HIDDEN);
    let beginning = value.char_indices().map(|(at, _)| at).find(|at| *at >= BEGINNING);
    let beginning = beginning.and_then(|end| value.get(..end));
    match beginning.and_then(|beginning| text.find(beginning)) {
        // What follows is the rest of the value, as far as it was not cut off.
        Some(at) => format!("{}{HIDDEN}", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn is_plain(value: &Property) -> bool {
    match value {
        Property::Secret(_) => false,
        Property::Open(value) => {
            let is_word = PLAIN_WORDS.iter().any(|word| word.eq_ignore_ascii_case(value));
            is_word || value.len() < MIN_PART || value.parse::<f64>().is_ok()
        }
    }
}

fn hide_word(text: &str, value: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, found) = rest.split_at(at);
        let (found, after) = found.split_at(value.len());
        let is_word =
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        hidden.push_str(before);
        hidden.push_str(if is_word { HIDDEN } else { found });
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction(properties: &[(&str, &str)]) -> Redaction {
        let mut settings: Vec<_> = [
            "kafka.brokers=a:1",
            "tables.0.name=t",
            "tables.0.topic=t",
            "tables.0.key=/id",
            "tables.0.fields.f=/f",
            "tables.0.ttl=1h",
        ]
        .map(str::to_owned)
        .into();
        let properties =
            properties.iter().map(|(name, value)| format!("kafka.properties.{name}={value}"));
        settings.extend(properties);
        Redaction::of(&Config::load(None, [], &settings).unwrap(), &Credentials::default())
    }

    #[test]
    fn a_value_is_hidden_wherever_a_text_quotes_it() {
        let redaction = redaction(&[("sasl.password", "hunter2"), ("client.rack", "rack-77")]);
        let text = "Invalid value \"hunter2\" for sasl.password (hunter2x) in rack-77";
        let hidden = "Invalid value \"<hidden>\" for sasl.password (<hidden>x) in <hidden>";
        assert_eq!(redaction.hide(text), hidden);
    }

    #[test]
    fn a_value_that_is_cut_off_is_hidden_up_to_the_end() {
        let pem = "-----BEGIN PRIVATE KEY----- abcdefghijklmnopqrstuvwxyz";
        let redaction = redaction(&[("ssl.key.pem", pem)]);
        let text = format!("cannot read {}", &pem[..40]);
        assert_eq!(redaction.hide(&text), "cannot read <hidden>");
    }

    #[test]
    fn a_short_value_is_hidden_where_it_is_a_word() {
        let redaction = redaction(&[("sasl.password", "a")]);
        assert_eq!(redaction.hide("a bad value 'a'"), "<hidden> bad value '<hidden>'");
    }

    #[test]
    fn words_of_librdkafka_stay() {
        let redaction = redaction(&[("security.protocol", "SSL"), ("socket.timeout.ms", "5000")]);
        let text = "SSL handshake failed after 5000 ms";
        assert_eq!(redaction.hide(text), text);
    }
}
