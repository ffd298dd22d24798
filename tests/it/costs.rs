//! Who costs what, as the statistics tell it.

use millpond::proto::v1::{CallerStats, GetStatsResponse};

use crate::stream::event;
use crate::support::broker;
use crate::support::service::Service;

/// What the statistics say of this caller and table.
pub(crate) fn cost<'a>(
    stats: &'a GetStatsResponse,
    caller: &str,
    table: &str,
) -> Option<&'a CallerStats> {
    let mut callers = stats.rpc.as_ref().unwrap().callers.iter();
    callers.find(|cost| cost.caller == caller && cost.table == table)
}

#[test]
fn calls_are_counted_by_address_and_table_where_callers_prove_nothing() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        topic.produce(&[event("key", &"x".repeat(100))]);
        service.wait_until_polled(1).await;
        for _ in 0..3 {
            service.description("key").await;
        }
        let keys = vec!["key".into(); 5];
        service.try_batch("services", keys).await.unwrap();
        service.try_batch("nope", vec!["key".into()]).await.unwrap_err();

        let stats = service.stats().await;
        let of_table = cost(&stats, "127.0.0.1", "services").unwrap();
        assert_eq!((of_table.call_count, of_table.key_count, of_table.shed_count), (4, 8, 0));
        assert!(of_table.answer_bytes > 800, "{of_table:?}");
        let busy = std::time::Duration::try_from(of_table.busy_time.unwrap()).unwrap();
        let slowest = std::time::Duration::try_from(of_table.slowest_time.unwrap()).unwrap();
        assert!(!busy.is_zero() && !slowest.is_zero(), "{of_table:?}");
        let of_none = cost(&stats, "127.0.0.1", "").unwrap();
        assert_eq!(of_none.key_count, 1, "the call for a table that there is not");
        service.stop().await;
    });
}
