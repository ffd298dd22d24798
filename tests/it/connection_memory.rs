//! What connections and streams take of the memory, whatever their peers do: at most what the budget
//! counts for each.

use millpond::proto::v1::maintenance_service_client::MaintenanceServiceClient;
use millpond::proto::v1::{MemoryType, ReclaimRequest};
use millpond::rpc::{CONNECTION_BYTES, STREAM_BYTES};

use crate::support::broker::{self, Broker};
use crate::support::http2::{
    DATA, EMPTY_MESSAGE, HEADERS, Http2, PREFACE, SETTINGS, call, frame, header_block, headers,
};
use crate::support::service::Service;

const CONNECTIONS: i64 = 50;
const STREAMS: u32 = 100;
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const GET: &str = "/millpond.v1.LookupService/Get";

/// Starts a service that has served nothing yet.
async fn service(broker: &Broker) -> Service {
    let topic = broker.create_topic(1).await;
    let settings = ["rpc.max_connections_per_peer=200", "rpc.max_connections=200"];
    Service::ready(broker, &topic, &settings).await
}

/// What the server's memory account holds, without what its threads keep for reuse.
async fn rpc_bytes(service: &Service) -> i64 {
    let mut maintenance = MaintenanceServiceClient::new(service.channel());
    let reclaimed = maintenance.reclaim(ReclaimRequest {}).await.unwrap().into_inner();
    let types = reclaimed.after.unwrap().types;
    types.iter().find(|each| each.r#type() == MemoryType::Rpc).unwrap().bytes
}

/// Opens connections on which `what` is sent, and returns what each takes.
async fn cost_of_connection(broker: &Broker, what: &[u8]) -> i64 {
    let service = service(broker).await;
    let before = rpc_bytes(&service).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Http2::connect(service.rpc).await;
        connection.flush().await;
        connection.send(what).await;
        open.push(connection);
    }
    let cost = (rpc_bytes(&service).await - before) / CONNECTIONS;
    drop(open);
    service.stop().await;
    cost
}

/// Opens streams on one connection with what `what` makes for each, and returns what each takes.
async fn cost_of_stream(broker: &Broker, what: impl Fn(u32) -> Vec<u8>) -> i64 {
    let service = service(broker).await;
    let mut connection = Http2::connect(service.rpc).await;
    connection.flush().await;
    let before = rpc_bytes(&service).await;
    for n in 0..STREAMS {
        connection.send(&what(2 * n + 1)).await;
    }
    connection.flush().await;
    let cost = (rpc_bytes(&service).await - before) / i64::from(STREAMS);
    drop(connection);
    service.stop().await;
    cost
}

#[test]
fn a_connection_takes_no_more_than_the_budget_counts_for_it() {
    broker::in_process(async |broker| {
        let full = vec![b'x'; 16 << 10];
        let half = |kind, flags| {
            let whole = frame(kind, flags, 1, &full);
            whole[..whole.len() - 1].to_vec()
        };
        let half_data = [headers(1, GET), half(DATA, 0)].concat();
        // A header that is not complete at the end of its frame is kept for the next one.
        let long_header = [&header_block(GET)[..], &[0, 1, b'x', 0x7f, 0x80, 0x7f]].concat();
        let long_header = [&long_header[..], &full[..16_000 - long_header.len()]].concat();
        let unfinished_headers = [frame(HEADERS, 0, 1, &long_header), half(9, 0)].concat();
        for (name, what) in [
            ("idle", vec![]),
            ("half a frame's head", vec![0; 4]),
            ("half a frame of data", half_data),
            ("half a frame of headers", half(HEADERS, 4)),
            ("headers without an end", unfinished_headers),
            ("settings", frame(SETTINGS, 0, 0, &[0, 1, 0xff, 0xff, 0xff, 0xff])),
            ("a window that never opens", [call(1, GET), frame(8, 0, 1, &[0, 0, 0, 1])].concat()),
        ] {
            let cost = cost_of_connection(broker, &what).await;
            println!("{name}: {cost} B");
            assert!(cost <= i64::try_from(CONNECTION_BYTES).unwrap(), "{name}: {cost} B");
        }
        let service = service(broker).await;
        let before = rpc_bytes(&service).await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = Http2::silent(service.rpc).await;
            connection.send(&PREFACE[..10]).await;
            // The service's settings come before it has read anything.
            connection.wait_for(SETTINGS).await;
            silent.push(connection);
        }
        let cost = (rpc_bytes(&service).await - before) / CONNECTIONS;
        println!("half a preface: {cost} B");
        assert!(cost <= i64::try_from(CONNECTION_BYTES).unwrap(), "{cost} B");
        service.stop().await;
    });
}

#[test]
fn a_stream_takes_no_more_than_the_budget_counts_for_it() {
    broker::in_process(async |broker| {
        // As many headers as fit into the list, each with a name of its own.
        let many = |stream| {
            let mut block = header_block(GET);
            for n in 0..180_u8 {
                block.extend([0, 4, b'x', b'-', b'a' + n / 26, b'a' + n % 26, 1, b'y']);
            }
            frame(HEADERS, 4, stream, &block)
        };
        // A frame that is full and has one short header.
        let padded = |stream| {
            let block = header_block(GET);
            let padding = vec![0; 255];
            frame(HEADERS, 4 | 8, stream, &[&[255], &block[..], &padding].concat())
        };
        let one_byte = |stream| {
            let data = frame(DATA, 0, stream, &EMPTY_MESSAGE[..1]);
            [headers(stream, GET), data].concat()
        };
        let watch = |stream| call(stream, WATCH);
        let headers_alone = |stream| headers(stream, GET);
        let costs = [
            ("a watch", cost_of_stream(broker, watch).await),
            ("headers alone", cost_of_stream(broker, headers_alone).await),
            ("many headers", cost_of_stream(broker, many).await),
            ("padded headers", cost_of_stream(broker, padded).await),
            ("a byte of data", cost_of_stream(broker, one_byte).await),
        ];
        println!("{costs:?}");
        let most = i64::try_from(STREAM_BYTES).unwrap();
        assert!(costs.iter().all(|&(_, cost)| cost <= most), "{costs:?}");
    });
}
