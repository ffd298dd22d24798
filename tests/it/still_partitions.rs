//! Partitions in which nothing happens hold up nobody. A broker keeps a client's question waiting
//! while it has nothing new for it, so how many are asked one after the other is felt; only a
//! real one does.

use tokio::time::timeout;

use crate::own_writes::get_after;
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{PATIENCE, Service, table};

const MANY: i32 = 64;

#[test]
fn partitions_that_stand_still_do_not_hold_up_the_others() {
    let test = concat!(module_path!(), "::partitions_that_stand_still_do_not_hold_up_the_others");
    broker::real(test, async |broker| {
        let topic = broker.create_topic(MANY).await;
        // Looked at four times in this time.
        let settings = ["ingest.stall_timeout=1s", "ingest.threads=1"];
        let service = Service::ready(broker, &topic, &settings).await;
        let writes = async {
            for n in 0..30 {
                let written = topic.produce(&[event("a", &n.to_string())]);
                get_after(&service, "a", written, PATIENCE).await.unwrap();
            }
        };
        timeout(PATIENCE, writes).await.expect("each write is read soon");
        service.stop().await;
    });
}

#[test]
fn a_topic_is_begun_beside_one_that_stands_still() {
    let test = concat!(module_path!(), "::a_topic_is_begun_beside_one_that_stands_still");
    broker::real(test, async |broker| {
        let (first, second) = (broker.create_topic(MANY).await, broker.create_topic(MANY).await);
        let mut settings = table(0, "services", &first.name);
        settings.extend(table(1, "others", &second.name));
        settings.push("ingest.threads=1".into());
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        service.wait_until_ready().await;
        service.stop().await;
    });
}
