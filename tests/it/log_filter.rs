//! The filter of the log, changed by the admin port.

use std::fs;

use crate::admin_api::{ask, status};
use crate::support::broker;
use crate::support::service::table;
use crate::told::{serve, wait_for_line};

const PATH: &str = "/log-filter";
const TOKEN: &str = "authorization: Bearer a-token-of-operators";

#[test]
fn the_log_filter_is_changed_by_those_who_have_the_token_and_by_nobody_else() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "a-token-of-operators\n").unwrap();
        let mut settings = table(0, "services", &topic.name);
        settings.push("ingest.start=earliest".into());
        settings.push(format!("admin.token_file={}", file.path().display()));
        let (mut served, _folder) = serve(&broker.bootstrap(), &settings);
        let admin = served.admin().parse().unwrap();
        let show = async || ask(admin, &format!("GET {PATH}"), &[], "").await.1;
        assert_eq!(show().await, "info\n");
        let put = format!("PUT {PATH}");
        let wrong = "authorization: Bearer another-token-of-it";
        let too_large = "x".repeat(10_000);
        for (headers, filter, expected) in [
            (&[][..], "off", "401"),
            (&[wrong], "off", "401"),
            (&[TOKEN], "millpond=loud", "400"),
            (&[TOKEN], "", "400"),
            (&[TOKEN], too_large.as_str(), "413"),
        ] {
            let (head, body) = ask(admin, &put, headers, filter).await;
            assert_eq!(status(&head), expected, "{filter}: {body}");
        }
        assert_eq!(show().await, "info\n");
        let (head, body) = ask(admin, &put, &[TOKEN], "info,millpond::ingest=debug").await;
        assert_eq!((status(&head), body.as_str()), ("200", "info,millpond::ingest=debug\n"));
        assert!(show().await.contains("log.filter is info"));
        let line = wait_for_line(&served, "log filter changed until the process ends").await;
        assert_eq!((&line["former"], &line["level"]), (&"info".into(), &"INFO".into()));
        served.stop().unwrap();
    });
}

#[test]
fn without_a_token_the_log_filter_is_closed_and_says_which_setting_opens_it() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let mut settings = table(0, "services", &topic.name);
        settings.push("ingest.start=earliest".into());
        let (mut served, _folder) = serve(&broker.bootstrap(), &settings);
        let admin = served.admin().parse().unwrap();
        let (head, body) = ask(admin, &format!("PUT {PATH}"), &[TOKEN], "off").await;
        assert!(status(&head) == "403" && body.contains("admin.token_file"), "{head} {body}");
        served.stop().unwrap();
    });
}
