//! The control of the services, by HTTP/1.0: a connection for each request, and no chunks.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::services::variable;

/// Where a record is: its partition and its offset.
pub(crate) type Position = (i32, i64);

/// Puts a document, a JSON object. Returns when the service has handled the record.
pub(crate) async fn put(table: &str, key: &str, document: &str) -> Position {
    position(&ask("PUT", &format!("/tables/{table}/entries/{key}"), document).await)
}

/// Puts a tombstone. Returns when the service has handled the record.
pub(crate) async fn delete(table: &str, key: &str) -> Position {
    position(&ask("DELETE", &format!("/tables/{table}/entries/{key}"), "").await)
}

/// Puts a document. Returns when the broker has the record.
pub(crate) async fn produce(table: &str, key: &str, document: &str) -> Position {
    position(&ask("POST", &format!("/produce/{table}/{key}"), document).await)
}

/// Puts a document under so many keys, and returns the keys.
pub(crate) async fn fill(table: &str, prefix: &str, count: usize, document: &str) -> Vec<String> {
    ask("POST", &format!("/fill/{table}/{prefix}/{count}"), document).await;
    names(prefix, count)
}

/// The keys that a fill makes.
pub(crate) fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:05}")).collect()
}

/// Has something done to the services: `restart`, `pause`, `continue` or `rotate`.
pub(crate) async fn order(what: &str) {
    ask("POST", &format!("/{what}"), "").await;
}

async fn ask(method: &str, path: &str, body: &str) -> String {
    let control = variable("MILLPOND_TEST_CONTROL");
    let mut connection = TcpStream::connect(control.trim_start_matches("http://")).await.unwrap();
    let length = body.len();
    let request = format!("{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    let (head, answer) = response.split_once("\r\n\r\n").expect("a response of HTTP");
    assert!(head.contains(" 200 "), "{method} {path}: {response}");
    answer.to_owned()
}

/// Reads `{"partition":0,"offset":12}`.
fn position(answer: &str) -> Position {
    let digits = |text: &str| text.trim_matches(|at: char| !at.is_ascii_digit()).to_owned();
    let (partition, offset) = answer.split_once(',').expect("a partition and an offset");
    (digits(partition).parse().unwrap(), digits(offset).parse().unwrap())
}
