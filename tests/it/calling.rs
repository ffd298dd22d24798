//! The page for callers, `docs/CALLING.md`, and what it has to keep up with.

use millpond::proto::v1::ErrorReason;

const PAGE: &str = include_str!("../../docs/CALLING.md");

#[test]
fn the_page_for_callers_says_what_to_do_for_every_reason_of_an_error() {
    let reasons = (1..).map_while(|number| ErrorReason::try_from(number).ok());
    for reason in reasons {
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        assert!(PAGE.contains(&format!("\n| `{name}` |")), "{name} has no line");
    }
}
