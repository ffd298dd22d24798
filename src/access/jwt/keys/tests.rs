//! Keys from a URL that is slow, gone or swapped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::access::tests::issuer::Issuer;

/// Often enough for tests.
const QUICK: Pace = Pace {
    interval: Duration::from_secs(3_600),
    retry: Duration::from_millis(20),
    min_pause: Duration::from_millis(20),
};
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server answers to the next requests. None: nothing, and the connection stays open.
type Answer = Arc<Mutex<Option<String>>>;

/// A server of keys, which answers as it is told.
fn serve(answer: &Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let answer = Arc::clone(answer);
    thread::spawn(move || {
        let mut silent = Vec::new();
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            read_head(&socket);
            match answer.lock().clone() {
                Some(text) => socket.write_all(text.as_bytes()).unwrap_or_default(),
                None => silent.push(socket),
            }
        }
    });
    url
}

fn read_head(socket: &TcpStream) {
    let lines = BufReader::new(socket).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).for_each(drop);
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn keys_of(url: String) -> Keys {
    let source = JwtKeys::Url { url, ca: None, token_file: None };
    Keys::start_at(&source, QUICK, &Account::of_unbound_threads()).unwrap()
}

fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it did not come about");
        thread::yield_now();
    }
}

#[test]
fn keys_that_are_swapped_are_fetched_when_a_token_names_an_unknown_one() {
    let [old, new] = ["old", "new"].map(Issuer::new);
    let answers = Answer::new(Mutex::new(Some(answer(&Issuer::jwks(&[&old])))));
    let keys = keys_of(serve(&answers));
    until(|| keys.current().find(Some("old")).is_some());
    *answers.lock() = Some(answer(&Issuer::jwks(&[&new])));
    keys.ask();
    until(|| keys.current().find(Some("new")).is_some());
    assert!(keys.current().find(Some("old")).is_none());
    assert_eq!(keys.stats().generation, 2);
}

#[test]
fn the_last_good_keys_go_on_while_the_url_is_gone_or_answers_with_something_else() {
    let issuer = Issuer::new("one");
    let good = answer(&Issuer::jwks(&[&issuer]));
    let answers = Answer::new(Mutex::new(Some(good.clone())));
    let keys = keys_of(serve(&answers));
    until(|| keys.current().count() == 1);
    let bad = [
        String::new(),
        "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".to_owned(),
        answer("<html>"),
        answer("{\"keys\": []}"),
        answer(&" ".repeat(300 << 10)),
        good.replace("connection", "x").replacen("content-length: ", "content-length: 9", 1),
    ];
    for bad in bad {
        let failures = keys.stats().failures;
        *answers.lock() = Some(bad.clone());
        keys.ask();
        until(|| keys.stats().failures > failures);
        assert_eq!((keys.current().count(), keys.stats().generation), (1, 1), "{bad}");
    }
}

#[test]
fn a_url_that_is_slow_holds_up_no_call() {
    let answers = Answer::default();
    let keys = keys_of(serve(&answers));
    keys.ask();
    assert!(keys.current().find(Some("one")).is_none());
    assert_eq!(keys.stats().age, None);
    // The thread goes on waiting for its answer by itself.
    drop(keys);
}
