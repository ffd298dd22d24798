//! `[otlp]`: a collector that gets traces and metrics, by the OpenTelemetry protocol.
//!
//! Owns the keys, and finds what cannot work with the endpoint. Connecting is up to `telemetry`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::fault::quoted;
use super::form::{FILE, Form, Optional, Parsed, Size, Text, Time, serialize_duration};
use super::secret::HIDDEN;
use super::secret_file::SecretFileForm;
use super::section::{Section, Unset};
use super::size::{ByteSize, Share};
use crate::small_file::unreadable;

pub(super) const ABOUT: &str = "A collector or agent that gets traces of calls, and metrics, by OTLP over gRPC. Without this section nothing is sent. A collector that is away, slow or full costs spans, which are counted, and nothing else.";

/// Where traces and metrics are sent, and which.
#[derive(Clone, Debug, Serialize)]
pub struct Otlp {
    /// The address, with `http://` or `https://`.
    pub endpoint: String,
    /// The CAs that the collector's certificate is verified by. None: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The file with the bearer token to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// How many of the calls are traced whose callers do not decide that.
    pub sample_ratio: SampleRatio,
    /// How long a span waits for others. Above zero.
    #[serde(serialize_with = "serialize_duration")]
    pub batch_interval: Duration,
    /// The memory for spans that wait.
    pub queue: ByteSize,
    /// How often metrics are sent. None: they are not.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_optional")]
    pub metrics_interval: Option<Duration>,
    /// The name of the service, for those who look at its traces.
    pub service_name: String,
    /// What else to say of this process.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A share of the calls, or none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRatio(Option<Share>);

const ENDPOINT: &str = "http://HOST:PORT, or https://HOST:PORT for TLS";
const TEXT: Text = Text {
    wanted: "1 to 256 characters, none of them a control character",
    fault: |text| {
        let is_sane = (1..=256).contains(&text.chars().count()) && !text.contains(char::is_control);
        (!is_sane).then_some("empty, too long, or with a control character")
    },
};
const HOUR: Duration = Duration::from_secs(3_600);

impl Otlp {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let endpoint = section.key(
            "endpoint",
            &EndpointForm,
            Unset::Fault,
            "Where the collector listens for OTLP over gRPC, by custom on port 4317.",
        );
        let (ca, token_file) = read_files(section);
        let (sample_ratio, batch_interval, queue) = read_sampling(section);
        let metrics_interval = section.key(
            "metrics_interval",
            &Optional(Time(Duration::from_secs(1)..=HOUR)),
            Unset::Derived("none", || None),
            "How often all metrics are sent too, those that `/metrics` has. Without this key they are \
             not.",
        );
        let (service_name, attributes) = read_identity(section);
        let otlp = Self {
            endpoint: endpoint?,
            ca: ca?,
            token_file: token_file?,
            sample_ratio: sample_ratio?,
            batch_interval: batch_interval?,
            queue: queue?,
            metrics_interval: metrics_interval?,
            service_name: service_name?,
            attributes: attributes?,
        };
        otlp.check_transport(section)
    }

    fn check_transport(self, section: &mut Section<'_>) -> Option<Self> {
        if self.endpoint.starts_with("https://") {
            return Some(self);
        }
        if self.ca.is_some() {
            let wrong = "a CA is for TLS, and the endpoint is plaintext";
            let cure = "write https:// in otlp.endpoint, or leave this out";
            section.report.fault(&section.path_of("ca"), wrong, cure);
            return None;
        }
        if self.token_file.is_some() {
            let wrong = "the endpoint is plaintext, so everybody on the way could read the token";
            let cure = "write https:// in otlp.endpoint, or leave this out";
            section.report.fault(&section.path_of("token_file"), wrong, cure);
            return None;
        }
        Some(self)
    }
}

#[expect(clippy::option_option, reason = "None is a fault, as for every value here")]
fn read_files(section: &mut Section<'_>) -> (Option<Option<String>>, Option<Option<PathBuf>>) {
    let ca = section.key(
        "ca",
        &Optional(FILE),
        Unset::Derived("those of the system", || None),
        "The CAs that verify the collector's certificate, in PEM. The file is read for each \
         connection.",
    );
    let token_file = section.key(
        "token_file",
        &Optional(SecretFileForm),
        Unset::Derived("none", || None),
        "A file with a token, which is sent as a bearer token. It is read again when it changes.",
    );
    let files = [
        ("ca", ca.as_ref().and_then(|ca| ca.as_ref().and_then(unreadable))),
        ("token_file", token_file.as_ref().and_then(|file| file.as_ref().and_then(unreadable))),
    ];
    for (name, unreadable) in files {
        if let Some((wrong, cure)) = unreadable {
            section.report.fault(&section.path_of(name), wrong, cure);
        }
    }
    (ca, token_file)
}

/// Which calls are traced, and how their spans wait.
fn read_sampling(
    section: &mut Section<'_>,
) -> (Option<SampleRatio>, Option<Duration>, Option<ByteSize>) {
    let sample_ratio = section.key(
        "sample_ratio",
        &Parsed::new("a share of the calls from \"0%\" to \"100%\""),
        Unset::Means("1%"),
        "How many of the calls are traced whose callers send no `traceparent`. For a call with one \
         its caller decides, by the flag in it.",
    );
    let batch_interval = section.key(
        "batch_interval",
        &Time(Duration::from_millis(100)..=HOUR),
        Unset::Means("5s"),
        "How long a span waits, so that several are sent at once. They are sent earlier when the \
         queue is half full.",
    );
    let queue = section.key(
        "queue",
        &Size(ByteSize::kib(64)..=ByteSize::mib(64)),
        Unset::Means("1MiB"),
        "Memory for spans that wait, about 3,000 in 1MiB. A span that finds no room is dropped and \
         counted.",
    );
    (sample_ratio, batch_interval, queue)
}

/// What is said of the process.
fn read_identity(section: &mut Section<'_>) -> (Option<String>, Option<BTreeMap<String, String>>) {
    let service_name = section.key(
        "service_name",
        &TEXT,
        Unset::Means("millpond"),
        "The attribute `service.name` of all that is sent.",
    );
    let attributes = section.names(
        "attributes",
        attribute_fault,
        &TEXT,
        &Unset::Derived("none", || ()),
        "More attributes of all that is sent, such as \"deployment.environment.name\". \
         `service.version` and a random `service.instance.id` are sent in any case.",
    );
    (service_name, attributes)
}

fn attribute_fault(name: &str) -> Option<(String, String)> {
    if matches!(name, "service.name" | "service.version") {
        let cure = "leave it out; otlp.service_name names the service";
        return Some(("millpond sets this attribute itself".into(), cure.into()));
    }
    let is_name = (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    let wrong =
        || ("not the name of an attribute".into(), "write 1 to 128 visible characters".into());
    (!is_name).then(wrong)
}

/// The address of a collector. It is not shown in a fault if it has credentials in it.
struct EndpointForm;

impl Form for EndpointForm {
    type Value = String;

    fn wanted(&self) -> String {
        ENDPOINT.into()
    }

    fn parse(&self, text: &str) -> Result<String, String> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let rest = rest.ok_or("neither an http nor an https address")?;
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or("it has no port")?;
        if !matches!(port.parse::<u16>(), Ok(1..)) {
            return Err("the port is no number from 1 to 65535".into());
        }
        if rest.contains('@') {
            return Err("credentials do not go into the address, see otlp.token_file".into());
        }
        let is_host = |c: char| c.is_ascii_alphanumeric() || "._-[]:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err("the host is none".into());
        }
        Ok(text.into())
    }

    fn show(&self, text: &str) -> String {
        if text.contains('@') { HIDDEN.into() } else { quoted(text) }
    }
}

impl SampleRatio {
    /// A random number of 64 bits is below this for the share of the calls that is sampled.
    pub fn threshold(self) -> u64 {
        self.0.map_or(0, |share| share.of(u64::MAX))
    }
}

impl FromStr for SampleRatio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "0%" {
            return Ok(Self(None));
        }
        text.parse().map(|share| Self(Some(share)))
    }
}

impl fmt::Display for SampleRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(share) => share.fmt(f),
            None => f.write_str("0%"),
        }
    }
}

impl Serialize for SampleRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn serialize_optional<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serialize_duration(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};

    const ENDPOINT: &str = "otlp.endpoint=http://collector:4317";

    #[test]
    fn nothing_is_sent_unless_an_endpoint_is_named_and_its_defaults_load_again() {
        assert!(load(SMALLEST, &[], &[]).unwrap().otlp.is_none());
        let settings = [
            ENDPOINT,
            "otlp.metrics_interval=15s",
            "otlp.sample_ratio=0%",
            "otlp.attributes.deployment.environment.name=prod",
        ];
        let config = load(SMALLEST, &[], &settings).unwrap();
        let again = load(&config.effective(), &[], &[]).unwrap();
        assert_eq!(again.effective(), config.effective());
        let otlp = again.otlp.unwrap();
        assert_eq!(otlp.sample_ratio.threshold(), 0);
        assert_eq!(otlp.metrics_interval.unwrap().as_secs(), 15);
        assert_eq!(otlp.attributes["deployment.environment.name"], "prod");
        assert_eq!(faults(SMALLEST, &[], &["otlp.queue=1MiB"]), ["otlp.endpoint: missing"]);
    }

    #[test]
    fn a_ratio_is_that_share_of_all_random_numbers() {
        for (ratio, expected) in [("100%", u64::MAX), ("50%", u64::MAX / 2)] {
            let ratio = format!("otlp.sample_ratio={ratio}");
            let config = load(SMALLEST, &[], &[ENDPOINT, &ratio]).unwrap();
            assert_eq!(config.otlp.unwrap().sample_ratio.threshold(), expected);
        }
        let found = faults(SMALLEST, &[], &[ENDPOINT, "otlp.sample_ratio=101%"]);
        assert!(found[0].starts_with("otlp.sample_ratio: "), "{found:?}");
    }

    #[test]
    fn an_endpoint_that_is_none_is_a_fault_that_shows_no_credentials() {
        for wrong in
            ["collector:4317", "http://collector", "http://:4317", "http://a b:4317", "ftp://a:1"]
        {
            let found = faults(SMALLEST, &[], &[&format!("otlp.endpoint={wrong}")]);
            assert!(found.len() == 1 && found[0].starts_with("otlp.endpoint: "), "{found:?}");
        }
        let setting = "otlp.endpoint=https://me:hunter2@collector:4317";
        let error = load(SMALLEST, &[], &[setting]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_for_tls_does_not_go_over_plaintext() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for key in ["ca", "token_file"] {
            let setting = format!("otlp.{key}={}", file.path().display());
            let found = faults(SMALLEST, &[], &[ENDPOINT, &setting]);
            assert!(found.len() == 1 && found[0].contains("plaintext"), "{found:?}");
            let tls = "otlp.endpoint=https://collector:4317";
            load(SMALLEST, &[], &[tls, &setting]).unwrap();
            let missing = format!("otlp.{key}=/hunter2");
            let found = faults(SMALLEST, &[], &[tls, &missing]);
            assert_eq!(found, [format!("otlp.{key}: there is no file at this path")]);
        }
    }

    #[test]
    fn attributes_that_millpond_sets_are_refused() {
        let setting = "otlp.attributes.service.name=other";
        let expected = "otlp.attributes.service.name: millpond sets this attribute itself";
        assert_eq!(faults(SMALLEST, &[], &[ENDPOINT, setting]), [expected]);
    }
}
