//! `millpond demo --leak`: a handler that leaks beside the service is named, and nothing else is.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use millpond::proto::v1::{Finding, FindingKind, GetStatsResponse, MemoryType, ReclaimRequest};
use millpond_client::Client;

use crate::command::millpond;
use crate::support::broker::block_on;
use crate::support::caller::{Caller, PATIENCE, polled};
use crate::support::patient::wait_long_for;

/// So much is unexplained that what comes and goes in the Kafka client makes no difference.
const CLEAR_BYTES: i64 = 32 << 20;

/// A running demo. It is killed on drop.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A demo, and the address of its service.
fn demo(arguments: &[&str]) -> (Demo, SocketAddr) {
    let mut command = millpond();
    command.args(["demo", "--rpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut demo = Demo(child.unwrap());
    let mut output = BufReader::new(demo.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("millpond stats --endpoint") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the demo ended");
    }
    // Nobody reads on, so that the rest must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let address = line.trim().rsplit_once("http://").unwrap().1;
    (demo, address.parse().unwrap())
}

fn is_kafka_client(finding: &Finding) -> bool {
    finding.kind() == FindingKind::Unexplained && finding.r#type() == MemoryType::KafkaClient
}

async fn reclaim(rpc: SocketAddr) -> Vec<Finding> {
    let client = Client::connect_lazy(&format!("http://{rpc}"), PATIENCE).unwrap();
    client.maintenance().reclaim(ReclaimRequest {}).await.unwrap().into_inner().findings
}

#[test]
fn a_demo_that_leaks_is_named_by_statistics_and_reclaim() {
    block_on(async {
        let (_demo, rpc) = demo(&["--leak", "--rate", "8000"]);
        let caller = Caller::of(rpc);
        let names_it = |stats: &GetStatsResponse| {
            stats.unexplained_memory.iter().any(|finding| finding.bytes >= CLEAR_BYTES)
        };
        let stats = wait_long_for(&caller, "the leak", names_it).await;
        assert!(stats.unexplained_memory.iter().all(is_kafka_client), "{stats:#?}");
        let findings = reclaim(rpc).await;
        assert!(is_kafka_client(&findings[0]), "{findings:#?}");
        assert!(findings[0].text.contains("a record that is kept"), "{findings:#?}");
        assert!(!findings[1..].iter().any(|finding| finding.kind() == FindingKind::Unexplained));
        assert!(caller.try_get("services", "svc-00042").await.is_ok());
    });
}

#[test]
fn in_a_demo_that_does_not_leak_all_memory_is_explained() {
    block_on(async {
        let (_demo, rpc) = demo(&["--rate", "8000"]);
        let caller = Caller::of(rpc);
        let stats = wait_long_for(&caller, "records", |stats| polled(stats) > 10_000).await;
        assert_eq!(stats.unexplained_memory, [], "{stats:#?}");
        let findings = reclaim(rpc).await;
        assert!(findings.iter().all(|finding| finding.kind() != FindingKind::Unexplained));
    });
}
