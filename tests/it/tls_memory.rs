//! What a connection takes of the memory with TLS, whatever its peer does: at most what the budget
//! counts for it.

use std::io::Write;

use millpond::proto::v1::maintenance_service_client::MaintenanceServiceClient;
use millpond::proto::v1::{MemoryType, ReclaimRequest};
use millpond::rpc::CONNECTION_BYTES;
use millpond::tls::TLS_CONNECTION_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;

use crate::support::broker::{self, Broker};
use crate::support::certificates::{Authority, Issued, ServerFiles, TlsClient};
use crate::support::http2::{ACK, DATA, PING, PREFACE, SETTINGS, frame, headers};
use crate::support::service::Service;

const CONNECTIONS: i64 = 50;
/// Readings of the memory, of which the largest counts: the service may not have read all yet.
const READINGS: usize = 5;
const GET: &str = "/millpond.v1.LookupService/Get";

/// What the server's memory account holds, without what its threads keep for reuse.
async fn rpc_bytes(channel: &Channel) -> i64 {
    let mut most = 0;
    for _ in 0..READINGS {
        let mut maintenance = MaintenanceServiceClient::new(channel.clone());
        let reclaimed = maintenance.reclaim(ReclaimRequest {}).await.unwrap().into_inner();
        let types = reclaimed.after.unwrap().types;
        most = most.max(types.iter().find(|each| each.r#type() == MemoryType::Rpc).unwrap().bytes);
    }
    most
}

/// A connection whose peer has sent these bytes inside TLS, and all but the end of a record.
async fn opened(
    client: &TlsClient,
    service: &Service,
    sent: &[u8],
    unfinished: &[u8],
) -> TcpStream {
    let mut stream = client.connect(service.rpc).await.unwrap();
    let settings = [frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, ACK, 0, &[])].concat();
    let ping = frame(PING, 0, 0, &[7; 8]);
    stream.write_all(&[PREFACE, &settings, &ping, sent].concat()).await.unwrap();
    // The settings of the service, its acknowledgement, and its answer to the ping.
    let (mut read, mut part) = (Vec::new(), [0; 1_024]);
    while !read.windows(8).any(|window| window == [7; 8]) {
        let bytes = stream.read(&mut part).await.unwrap();
        assert!(bytes > 0, "the connection is open");
        read.extend_from_slice(&part[..bytes]);
    }
    let (mut socket, mut connection) = stream.into_inner();
    if !unfinished.is_empty() {
        connection.writer().write_all(unfinished).unwrap();
        let mut records = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut records).unwrap();
        }
        socket.write_all(&records[..records.len() - 1]).await.unwrap();
    }
    socket
}

async fn cost(broker: &Broker, extra_chain: usize, sent: &[u8], unfinished: &[u8]) -> i64 {
    let topic = broker.create_topic(1).await;
    let [ours, clients] = ["servers", "clients"].map(Authority::new);
    let files = ServerFiles::new(&ours.issue("localhost"), &[&clients]);
    let mut settings = files.settings("rpc.tls", true);
    settings
        .extend(["rpc.max_connections_per_peer=200", "rpc.max_connections=200"].map(Into::into));
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let service = Service::start(broker, &topic, &settings).await;
    let Issued { certificate, key } = clients.issue("web");
    let chain = (0..extra_chain).map(|n| Authority::new(&format!("{n}{:0>64}", "")).pem());
    let own = Issued { certificate: certificate + &chain.collect::<String>(), key };
    let client = TlsClient::new(&ours, Some(&own), b"h2");
    let operator = TlsClient::new(&ours, Some(&clients.issue("operator")), b"h2");
    let operator = operator.channel(service.rpc);
    let before = rpc_bytes(&operator).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(opened(&client, &service, sent, unfinished).await);
    }
    let cost = (rpc_bytes(&operator).await - before) / CONNECTIONS;
    drop(open);
    service.stop().await;
    cost
}

#[test]
fn a_connection_with_tls_takes_no_more_than_the_budget_counts_for_it() {
    broker::in_process(async |broker| {
        // Data that is held until its frame is complete, and a record of the largest size.
        let data = frame(DATA, 0, 1, &vec![b'x'; 16 << 10]);
        let half_frame = [headers(1, GET), data[..data.len() - 1].to_vec()].concat();
        let record = vec![b'x'; 16 << 10];
        for (name, extra_chain, sent, unfinished) in [
            ("idle", 0, &[][..], &[][..]),
            ("half a record", 0, &[], &record),
            ("half a frame and half a record", 0, &half_frame, &record),
            ("the same, with a long chain", 18, &half_frame, &record),
        ] {
            let cost = cost(broker, extra_chain, sent, unfinished).await;
            println!("{name}: {cost} B");
            let most = i64::try_from(CONNECTION_BYTES + TLS_CONNECTION_BYTES).unwrap();
            assert!(cost <= most, "{name}: {cost} B");
        }
    });
}
