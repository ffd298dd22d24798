//! A scrape of `/metrics`, and its samples.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::service::PATIENCE;

/// The answer to one scrape.
pub(crate) struct Scrape {
    /// The status line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) text: String,
    samples: BTreeMap<String, String>,
}

impl Scrape {
    /// Scrapes the admin port of a service, in a format that `accept` names.
    pub(crate) async fn of(admin: SocketAddr, accept: &str) -> Self {
        let mut connection = TcpStream::connect(admin).await.unwrap();
        let request = format!(
            "GET /metrics HTTP/1.1\r\nhost: {admin}\r\naccept: {accept}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.to_owned())
        });
        Self { head: head.to_lowercase(), text: text.to_owned(), samples: samples.collect() }
    }

    /// The value of a series, written as the scrape has it, with its labels.
    pub(crate) fn value(&self, series: &str) -> &str {
        let found = self.samples.get(series);
        found.unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The value of a series that is a whole number.
    pub(crate) fn count(&self, series: &str) -> i64 {
        self.value(series).parse().unwrap()
    }

    /// The value of a series in seconds.
    pub(crate) fn seconds(&self, series: &str) -> Duration {
        Duration::from_secs_f64(self.value(series).parse().unwrap())
    }

    /// All series, with their values.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&str, &str)> {
        self.samples.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The series of a metric.
    pub(crate) fn series_of(&self, metric: &str) -> impl Iterator<Item = &str> {
        let names = self.samples.keys().map(String::as_str);
        names.filter(move |series| series.split('{').next() == Some(metric))
    }
}
