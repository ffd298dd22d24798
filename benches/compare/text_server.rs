//! Redis and memcached: started, filled and read through their text protocols.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use millpond_acceptance::process::OwnedProcess;
use millpond_benches::setup::on_core;
use millpond_benches::shape::Shape;

use crate::pause;

const TTL_SECONDS: u32 = 86_400;
const START_PATIENCE: Duration = Duration::from_secs(10);
/// The number of entries that are stored before their answers are read.
const AT_ONCE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Redis,
    Memcached,
}

/// A listening server. It ends on drop.
pub(crate) struct TextServer {
    process: OwnedProcess,
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
}

impl Protocol {
    pub(crate) const ALL: [Self; 2] = [Self::Redis, Self::Memcached];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Memcached => "memcached",
        }
    }

    /// The name of its program, and of its package.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Memcached => "memcached",
        }
    }

    pub(crate) fn version(self) -> anyhow::Result<String> {
        let output = Command::new(self.program()).arg("--version").output();
        let output = output.with_context(|| format!("{} is not there", self.program()))?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts it empty, with one serving thread, no disk and memory for all entries.
    pub(crate) fn start(self, core: Option<usize>) -> anyhow::Result<TextServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        drop(listener);
        let mut command = on_core(core, self.program());
        command.args(self.options()).arg(address.port().to_string());
        let process = OwnedProcess::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let start = Instant::now();
        while let Err(error) = TcpStream::connect(address) {
            let is_late = start.elapsed() > START_PATIENCE;
            ensure!(!is_late, "{} does not listen on {address}: {error}", self.program());
            pause::of(Duration::from_millis(20));
        }
        Ok(TextServer { process, address, protocol: self })
    }

    /// The arguments. The port is the last one.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"],
            Self::Memcached => {
                &["-l", "127.0.0.1", "-U", "0", "-t", "1", "-m", "32768", "-u", "root", "-p"]
            }
        }
    }

    fn put(self, key: &str, value: &str) -> String {
        match self {
            Self::Redis => array(&["SET", key, value, "EX", &TTL_SECONDS.to_string()]),
            Self::Memcached => format!("set {key} 0 {TTL_SECONDS} {}\r\n{value}\r\n", value.len()),
        }
    }

    fn was_put(self) -> &'static str {
        match self {
            Self::Redis => "+OK\r\n",
            Self::Memcached => "STORED\r\n",
        }
    }

    /// The request for these keys.
    pub(crate) fn ask(self, keys: &[String]) -> Vec<u8> {
        let keys = keys.iter().map(String::as_str);
        let text = match self {
            Self::Redis if keys.len() == 1 => {
                array(&["GET"].into_iter().chain(keys).collect::<Vec<_>>())
            }
            Self::Redis => array(&["MGET"].into_iter().chain(keys).collect::<Vec<_>>()),
            Self::Memcached => format!("get {}\r\n", keys.collect::<Vec<_>>().join(" ")),
        };
        text.into_bytes()
    }

    /// The complete answer to [`Self::ask`] if each key has its value.
    pub(crate) fn answer(self, found: &[(String, String)]) -> Vec<u8> {
        let mut text = String::new();
        if self == Self::Redis && found.len() > 1 {
            let _ = write!(text, "*{}\r\n", found.len());
        }
        for (key, value) in found {
            let _ = match self {
                Self::Redis => write!(text, "${}\r\n{value}\r\n", value.len()),
                Self::Memcached => write!(text, "VALUE {key} 0 {}\r\n{value}\r\n", value.len()),
            };
        }
        if self == Self::Memcached {
            text += "END\r\n";
        }
        text.into_bytes()
    }
}

impl TextServer {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stores the entries with these numbers.
    pub(crate) fn fill(
        &self,
        shape: Shape,
        numbers: impl Iterator<Item = u64>,
    ) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        let mut numbers = numbers.peekable();
        while numbers.peek().is_some() {
            let some = numbers.by_ref().take(AT_ONCE);
            let requests: Vec<_> = some
                .map(|number| self.protocol.put(&shape.key(number), &shape.value(number)))
                .collect();
            stream.write_all(requests.concat().as_bytes())?;
            let wanted = self.protocol.was_put().repeat(requests.len()).into_bytes();
            let mut answer = vec![0; wanted.len()];
            stream.read_exact(&mut answer)?;
            let said = String::from_utf8_lossy(&answer);
            ensure!(answer == wanted, "{} said {said:?}", self.protocol.name());
        }
        Ok(())
    }
}

/// An array of strings in RESP.
fn array(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(text, "${}\r\n{word}\r\n", word.len());
    }
    text
}
