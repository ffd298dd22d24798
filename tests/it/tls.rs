//! TLS of both ports: who is let in, and what happens when certificates are replaced.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{
    ConnectionCloseReason, GetRequest, GetStatsRequest, GetStatsResponse, TlsHandshakeOutcome,
    TlsStats,
};
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_client::HealthClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::transport::Channel;

use crate::admin_port::get;
use crate::support::broker::{self, Broker};
use crate::support::certificates::{Authority, ServerFiles, TlsClient};
use crate::support::http2::Http2;
use crate::support::service::{PATIENCE, Service};

const H2: &[u8] = b"h2";

/// A service whose gRPC port asks for certificates of these CAs.
async fn start(broker: &Broker, files: &ServerFiles, settings: &[&str]) -> Service {
    let topic = broker.create_topic(1).await;
    let own = files.settings("rpc.tls", true);
    let own = own.iter().map(String::as_str).chain(settings.iter().copied());
    Service::start(broker, &topic, &own.collect::<Vec<_>>()).await
}

async fn stats(channel: &Channel) -> GetStatsResponse {
    let mut client = StatsServiceClient::new(channel.clone());
    client.get_stats(GetStatsRequest {}).await.unwrap().into_inner()
}

async fn tls_stats(channel: &Channel) -> TlsStats {
    stats(channel).await.rpc.unwrap().tls.unwrap()
}

/// Waits until the statistics are so.
async fn wait_for(channel: &Channel, what: &str, holds: impl Fn(&GetStatsResponse) -> bool) {
    let wait = async {
        while !holds(&stats(channel).await) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

async fn wait_for_generation(channel: &Channel, generation: i64) {
    let has_it = |stats: &GetStatsResponse| {
        stats.rpc.as_ref().unwrap().tls.as_ref().unwrap().generation >= generation
    };
    wait_for(channel, "the next set", has_it).await;
}

async fn look_up(channel: Channel) -> Result<(), tonic::Status> {
    let request = GetRequest { table: "services".into(), key: "1".into(), ..GetRequest::default() };
    LookupServiceClient::new(channel).get(request).await.map(drop)
}

fn count(tls: &TlsStats, outcome: TlsHandshakeOutcome) -> i64 {
    tls.handshakes.iter().find(|each| each.outcome() == outcome).unwrap().count
}

#[test]
fn certificates_and_cas_are_replaced_under_lookups_without_losing_one() {
    broker::in_process(async |broker| {
        let (ours, first) = (Authority::new("servers"), Authority::new("clients-0"));
        let mut files = ServerFiles::new(&ours.issue("localhost"), &[&first]);
        let service = start(broker, &files, &[]).await;
        let (lasting, is_over) = (Authority::new("lasting"), Arc::new(AtomicBool::new(false)));
        files.swap(&ours.issue("localhost"), &[&first, &lasting]);
        let operator = TlsClient::new(&ours, Some(&first.issue("operator")), H2);
        wait_for_generation(&operator.channel(service.rpc), 2).await;
        let client = TlsClient::new(&ours, Some(&lasting.issue("web")), H2);
        let (kept, rpc) = (client.channel(service.rpc), service.rpc);
        let lookups = Arc::new(AtomicU64::new(0));
        let load = {
            let (kept, is_over, lookups) = (kept.clone(), is_over.clone(), lookups.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    // One connection goes on, and each turn makes a new one.
                    look_up(kept.clone()).await?;
                    look_up(client.channel(rpc)).await?;
                    lookups.fetch_add(2, Ordering::Relaxed);
                }
                Ok::<_, tonic::Status>(())
            })
        };
        for turn in 1..=10 {
            let next = Authority::new(&format!("clients-{turn}"));
            let generation = tls_stats(&kept).await.generation;
            if turn % 2 == 0 {
                files.swap(&ours.issue("localhost"), &[&next, &lasting]);
            } else {
                files.overwrite(&ours.issue("localhost"), &[&next, &lasting]);
            }
            wait_for_generation(&kept, generation + 1).await;
            let before = lookups.load(Ordering::Relaxed);
            let goes_on = |_: &GetStatsResponse| lookups.load(Ordering::Relaxed) > before + 2;
            wait_for(&kept, "lookups", goes_on).await;
        }
        is_over.store(true, Ordering::Relaxed);
        load.await.unwrap().expect("no lookup fails");
        service.stop().await;
    });
}

#[test]
fn a_client_of_a_ca_that_was_taken_out_loses_its_streams_and_is_refused() {
    broker::in_process(async |broker| {
        let [ours, old, new] = ["servers", "old", "new"].map(Authority::new);
        let mut files = ServerFiles::new(&ours.issue("localhost"), &[&old, &new]);
        let service = start(broker, &files, &[]).await;
        let [old_client, new_client] =
            [&old, &new].map(|ca| TlsClient::new(&ours, Some(&ca.issue("web")), H2));
        let (of_old, of_new) = (old_client.channel(service.rpc), new_client.channel(service.rpc));
        let watch = async |channel: &Channel| {
            let mut health = HealthClient::new(channel.clone());
            let request = HealthCheckRequest { service: "typo".into() };
            let mut stream = health.watch(request).await.unwrap().into_inner();
            stream.next().await.unwrap().unwrap();
            stream
        };
        let (mut lost, mut kept) = (watch(&of_old).await, watch(&of_new).await);
        look_up(of_old.clone()).await.unwrap();

        files.swap(&ours.issue("localhost"), &[&new]);
        let end = timeout(PATIENCE, lost.next()).await.expect("the stream ends");
        assert!(end.is_none_or(|message| message.is_err()), "it ends with no other message");
        // The client has kept what sessions it was given, and would resume one.
        look_up(old_client.channel(service.rpc)).await.unwrap_err();
        look_up(of_old).await.unwrap_err();
        look_up(of_new.clone()).await.unwrap();
        let mut next = pin!(kept.next());
        let mut unwoken = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut unwoken).is_pending(), "the other goes on");
        let stats = stats(&of_new).await.rpc.unwrap();
        let closed = stats.closed_connections.iter();
        let closed = closed.filter(|each| each.reason() == ConnectionCloseReason::Certificate);
        assert_eq!(closed.map(|each| each.count).sum::<i64>(), 1);
        assert!(count(&stats.tls.unwrap(), TlsHandshakeOutcome::CertificateUnknownCa) >= 1);
        service.stop().await;
    });
}

#[test]
fn peers_that_speak_no_tls_or_nothing_are_counted_and_closed() {
    broker::in_process(async |broker| {
        let [ours, clients] = ["servers", "clients"].map(Authority::new);
        let files = ServerFiles::new(&ours.issue("localhost"), &[&clients]);
        let service = start(broker, &files, &["rpc.handshake_timeout=2s"]).await;
        let channel = TlsClient::new(&ours, Some(&clients.issue("web")), H2).channel(service.rpc);
        look_up(channel.clone()).await.unwrap();

        service.try_get("services", "1").await.expect_err("it speaks no TLS");
        let mut silent = Http2::silent(service.rpc).await;
        assert!(silent.next().await.is_none(), "it is closed");
        TlsClient::new(&ours, None, H2)
            .connect(service.rpc)
            .await
            .unwrap()
            .read(&mut [0])
            .await
            .expect_err("it has no certificate");
        let http1 = TlsClient::new(&ours, Some(&clients.issue("web")), b"http/1.1");
        http1.connect(service.rpc).await.expect_err("no protocol in common");
        let tls = tls_stats(&channel).await;
        for outcome in [
            TlsHandshakeOutcome::Plaintext,
            TlsHandshakeOutcome::Unfinished,
            TlsHandshakeOutcome::CertificateMissing,
            TlsHandshakeOutcome::NoCommonProtocol,
        ] {
            assert!(count(&tls, outcome) >= 1, "{outcome:?}: {tls:?}");
        }
        // One that is silent in its handshake does not hold up the end.
        let _silent = Http2::silent(service.rpc).await;
        service.stop().await;
    });
}

#[test]
fn a_port_without_tls_closes_a_connection_with_it() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let client = TlsClient::new(&Authority::new("servers"), None, H2);
        client.connect(service.rpc).await.expect_err("it speaks plaintext");
        client.connect(service.admin).await.expect_err("it speaks plaintext");
        assert!(service.stats().await.rpc.unwrap().tls.is_none());
        service.stop().await;
    });
}

#[test]
fn the_admin_port_has_tls_and_probes_have_a_port_in_plaintext() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let [ours, clients] = ["servers", "clients"].map(Authority::new);
        let mut files = ServerFiles::new(&ours.issue("localhost"), &[&clients]);
        let own = files.settings("admin.tls", true);
        let own = own.iter().map(String::as_str).chain(["admin.probe_listen=127.0.0.1:0"]);
        let service = Service::ready(broker, &topic, &own.collect::<Vec<_>>()).await;
        let probes = service.probes.unwrap();
        assert!(get(probes, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(probes, "/metrics").await.starts_with("HTTP/1.1 404"));
        assert!(!get(service.admin, "/readyz").await.contains("200"), "it speaks no plaintext");

        let ask = async |client: &TlsClient| {
            let mut stream = client.connect(service.admin).await?;
            let request = b"GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let client = TlsClient::new(&ours, Some(&clients.issue("operator")), b"http/1.1");
        assert!(ask(&client).await.unwrap().starts_with("HTTP/1.1 200"));
        ask(&TlsClient::new(&ours, None, b"http/1.1")).await.expect_err("it has no certificate");

        let mut open = client.connect(service.admin).await.unwrap();
        open.write_all(b"GET /livez HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        open.read_exact(&mut [0; 15]).await.unwrap();
        files.swap(&ours.issue("localhost"), &[&ours]);
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, open.read_to_end(&mut rest)).await.expect("it is closed");
        ask(&client).await.expect_err("its CA was taken out");
        assert_eq!(service.stats().await.admin_tls.unwrap().generation, 2);
        service.stop().await;
    });
}

#[test]
fn junk_inside_tls_ends_its_connection_alone() {
    broker::in_process(async |broker| {
        let [ours, clients] = ["servers", "clients"].map(Authority::new);
        let files = ServerFiles::new(&ours.issue("localhost"), &[&clients]);
        let service = start(broker, &files, &[]).await;
        let client = TlsClient::new(&ours, Some(&clients.issue("web")), H2);
        let mut stream = client.connect(service.rpc).await.unwrap();
        let _ = stream.write_all(&vec![b'x'; 256 << 10]).await;
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("its end");
        // Records that are no TLS, after a good handshake.
        let stream = client.connect(service.rpc).await.unwrap();
        let (mut socket, _): (TcpStream, _) = stream.into_inner();
        let _ = socket.write_all(&[0x17, 3, 3, 0, 32, 1, 2, 3]).await;
        let _ = socket.write_all(&[7; 64]).await;
        let _ = timeout(PATIENCE, socket.read_to_end(&mut Vec::new())).await.expect("its end");
        look_up(client.channel(service.rpc)).await.unwrap();
        service.stop().await;
    });
}
