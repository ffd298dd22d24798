//! A proxy in front of a broker that can withhold requests for offsets.
//!
//! Owns forwarding requests and responses, and withholding the requests for the offsets of a topic
//! while a test wants it. All other requests reach the broker, those of the same connection too.
//! Knows nothing of millpond.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::broker::Broker;
use super::service::PATIENCE;

/// The API key of `ListOffsets`, the request for offsets by time and for the first and last ones.
const LIST_OFFSETS: [u8; 2] = 2_i16.to_be_bytes();
/// The number of requests in one connection that may wait for the broker.
const MAX_WAITING: usize = 1_000;

/// A running proxy. It ends on drop, together with its connections.
pub(crate) struct Proxy {
    bootstrap: String,
    offset_requests: Arc<OffsetRequests>,
    _connections: JoinSet<()>,
}

/// The requests for offsets, by topic.
#[derive(Default)]
struct OffsetRequests(Mutex<BTreeMap<String, TopicOffsetRequests>>);

/// The requests for the offsets of one topic.
#[derive(Default)]
struct TopicOffsetRequests {
    are_withheld: bool,
    withheld: Vec<(mpsc::Sender<Frame>, Frame)>,
}

/// A request or a response, with its length in front.
type Frame = Vec<u8>;

/// The broker's address and the proxy's, as responses contain them.
#[derive(Clone)]
struct Addresses {
    broker: Vec<u8>,
    proxy: Vec<u8>,
}

impl Proxy {
    /// Starts a proxy in front of a broker on this machine. It can withhold offset requests for
    /// these topics.
    pub(crate) async fn start(broker: &Broker, topics: &[&str]) -> Self {
        let bootstrap = broker.bootstrap();
        let (host, _) = bootstrap.rsplit_once(':').unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let topics =
            topics.iter().map(|topic| ((*topic).to_owned(), TopicOffsetRequests::default()));
        let offset_requests = Arc::new(OffsetRequests(Mutex::new(topics.collect())));
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, bootstrap.clone(), port, Arc::clone(&offset_requests)));
        Self { bootstrap: format!("{host}:{port}"), offset_requests, _connections: connections }
    }

    /// Where clients connect: `host:port`.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Withholds requests for the topic's offsets from now on.
    pub(crate) fn withhold(&self, topic: &str) {
        self.offset_requests.lock().get_mut(topic).unwrap().are_withheld = true;
    }

    /// The number of requests that are withheld.
    pub(crate) fn withheld(&self, topic: &str) -> usize {
        self.offset_requests.lock()[topic].withheld.len()
    }

    /// Whether somebody still waits for the answer to a request that is withheld.
    pub(crate) fn is_awaited(&self, topic: &str) -> bool {
        let offset_requests = self.offset_requests.lock();
        let mut withheld = offset_requests[topic].withheld.iter();
        withheld.any(|(broker, _)| !broker.is_closed())
    }

    /// Waits until a request for the topic's offsets is withheld.
    pub(crate) async fn wait_until_withheld(&self, topic: &str) {
        let start = Instant::now();
        while self.withheld(topic) == 0 {
            assert!(start.elapsed() < PATIENCE, "waited in vain for a request");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl OffsetRequests {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, TopicOffsetRequests>> {
        self.0.lock().unwrap()
    }

    /// Returns the request, unless it has to be withheld.
    fn pass(&self, request: Frame, broker: &mpsc::Sender<Frame>) -> Option<Frame> {
        if request[4..6] != LIST_OFFSETS {
            return Some(request);
        }
        let mut topics = self.lock();
        let mut withheld =
            topics.iter_mut().filter(|(_, offset_requests)| offset_requests.are_withheld);
        let names = |topic: &str| position(&request, topic.as_bytes()).is_some();
        let Some((_, offset_requests)) = withheld.find(|(topic, _)| names(topic)) else {
            return Some(request);
        };
        offset_requests.withheld.push((broker.clone(), request));
        None
    }
}

async fn accept(
    listener: TcpListener,
    bootstrap: String,
    port: u16,
    offset_requests: Arc<OffsetRequests>,
) {
    let mut connections = JoinSet::new();
    let addresses = Addresses::new(&bootstrap, port);
    while let Ok((client, _)) = listener.accept().await {
        // If the broker is down, the client sees its connection end.
        let Ok(broker) = TcpStream::connect(&bootstrap).await else { continue };
        connections.spawn(serve(client, broker, addresses.clone(), Arc::clone(&offset_requests)));
    }
}

/// Forwards requests and responses until one side closes the connection.
async fn serve(
    client: TcpStream,
    broker: TcpStream,
    addresses: Addresses,
    offset_requests: Arc<OffsetRequests>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let (sender, requests) = mpsc::channel(MAX_WAITING);
    tokio::select! {
        () = read_requests(from_client, sender, &offset_requests) => {}
        () = write_requests(requests, to_broker) => {}
        () = pass_responses(from_broker, to_client, &addresses) => {}
    }
}

async fn read_requests(
    mut client: OwnedReadHalf,
    broker: mpsc::Sender<Frame>,
    offset_requests: &OffsetRequests,
) {
    while let Some(request) = read_frame(&mut client).await {
        let Some(request) = offset_requests.pass(request, &broker) else { continue };
        if broker.send(request).await.is_err() {
            return;
        }
    }
}

async fn write_requests(mut requests: mpsc::Receiver<Frame>, mut broker: OwnedWriteHalf) {
    while let Some(request) = requests.recv().await {
        if broker.write_all(&request).await.is_err() {
            return;
        }
    }
}

async fn pass_responses(
    mut broker: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    addresses: &Addresses,
) {
    while let Some(mut response) = read_frame(&mut broker).await {
        addresses.replace_in(&mut response);
        if client.write_all(&response).await.is_err() {
            return;
        }
    }
}

async fn read_frame(stream: &mut OwnedReadHalf) -> Option<Frame> {
    let length = stream.read_i32().await.ok()?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.resize(4 + usize::try_from(length).ok()?, 0);
    stream.read_exact(&mut frame[4..]).await.ok()?;
    Some(frame)
}

impl Addresses {
    /// In Kafka's protocol the host is followed by the port in four bytes.
    fn new(bootstrap: &str, proxy_port: u16) -> Self {
        let (host, broker_port) = bootstrap.rsplit_once(':').unwrap();
        let address = |port: u16| [host.as_bytes(), &i32::from(port).to_be_bytes()].concat();
        Self { broker: address(broker_port.parse().unwrap()), proxy: address(proxy_port) }
    }

    fn replace_in(&self, response: &mut [u8]) {
        let mut rest = response;
        while let Some(at) = position(rest, &self.broker) {
            rest = &mut rest[at..];
            rest[..self.proxy.len()].copy_from_slice(&self.proxy);
        }
    }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
