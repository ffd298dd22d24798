//! Where an answer in a text protocol ends.

use std::io::Read;
use std::net::TcpStream;

use anyhow::{Context, ensure};

const HEAD_END: &[u8] = b"\r\n\r\n";
const LENGTH: &str = "content-length: ";

pub(crate) enum Answers {
    /// All are as long as the first one, which is this.
    Like(Vec<u8>),
    /// HTTP/1.1. The next request is sent when the answer has come.
    Http,
}

impl Answers {
    /// Reads the next answer into `answer`.
    pub(super) fn read(&self, stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Like(first) => {
                answer.resize(first.len(), 0);
                stream.read_exact(answer)?;
                Ok(())
            }
            Self::Http => read_http(stream, answer),
        }
    }

    pub(super) fn is_first(&self, answer: &[u8]) -> bool {
        match self {
            Self::Like(first) => answer == first,
            Self::Http => answer.starts_with(b"HTTP/1.1 200 "),
        }
    }
}

fn read_http(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    let mut piece = [0; 4 << 10];
    loop {
        let read = stream.read(&mut piece)?;
        ensure!(read > 0, "the connection was closed");
        answer.extend_from_slice(&piece[..read]);
        let end = answer.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END);
        let Some(head_bytes) = end.map(|at| at + HEAD_END.len()) else { continue };
        let head = str::from_utf8(&answer[..head_bytes])?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix(LENGTH));
        let body_bytes: usize = length.context("an answer without a length")?.parse()?;
        if answer.len() >= head_bytes + body_bytes {
            return Ok(());
        }
    }
}
