//! The dashboard in a real browser: what it shows is what the snapshot says.

use std::fs;

use millpond_acceptance::browser::Browser;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::admin_api::get_json;
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{PATIENCE, Service};
use crate::told::broken;

const TOKEN: &str = "a-token-of-operators";

#[test]
fn the_page_shows_the_figures_of_the_snapshot_and_breaks_no_rule_of_browsers() {
    let test = "the_page_shows_the_figures_of_the_snapshot_and_breaks_no_rule_of_browsers";
    let Some(browser) = Browser::require(test) else { return };
    broker::in_process(async |broker| {
        let topic = broker.create_topic(3).await;
        let token = tempfile::NamedTempFile::new().unwrap();
        fs::write(token.path(), TOKEN).unwrap();
        let setting = format!("admin.token_file={}", token.path().display());
        let service = Service::ready(broker, &topic, &[&setting]).await;
        let mut events: Vec<_> =
            (0..500).map(|n| event(&format!("key-{}", n % 300), "x")).collect();
        events.extend([broken(), broken()]);
        topic.produce(&events);
        service.wait_until_polled(502).await;
        let keys: Vec<_> = (0..400).map(|n| format!("key-{n}")).collect();
        service.try_batch("services", keys).await.unwrap();
        // The history has to have a sample of all that.
        let start = Instant::now();
        let has_samples = async || {
            let past = get_json(service.admin, "/api/history").await;
            past["rows"].as_array().is_some_and(|rows| rows.len() > 4)
        };
        while !has_samples().await {
            assert!(start.elapsed() < PATIENCE, "the history has no samples");
            tokio::task::yield_now().await;
        }
        let (url, folder) = (format!("http://{}/", service.admin), env!("CARGO_TARGET_TMPDIR"));
        let folder = format!("{folder}/dashboard");
        let checked =
            spawn_blocking(move || browser.run("dashboard.mjs", &[&url, &folder, "key-7", TOKEN]));
        if let Err(wrong) = checked.await.unwrap() {
            panic!("{wrong:#}");
        }
        service.stop().await;
    });
}
