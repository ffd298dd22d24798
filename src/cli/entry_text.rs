//! Entries and removals in a line each, for people.

use std::fmt::Write as _;

use super::output::{escaped, value_text};
use crate::proto::v1::{Entry, RemovalCause};

/// The key, and the fields by their names.
pub(super) fn entry_line(entry: &Entry) -> String {
    let mut line = escaped(&entry.key);
    let mut fields: Vec<_> = entry.fields.iter().collect();
    fields.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in fields {
        let value = value.kind.as_ref().map(value_text).unwrap_or_default();
        let _ = write!(line, "  {name}={value}");
    }
    line
}

/// Why an entry left its table, in a word.
pub(super) fn removal_text(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Replaced => "replaced",
        RemovalCause::Deleted => "deleted",
        RemovalCause::Expired => "expired",
        RemovalCause::Evicted | RemovalCause::EvictedForPressure => "evicted",
        RemovalCause::Unspecified => "removed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::Value;
    use crate::proto::v1::value::Kind;

    #[test]
    fn an_entry_is_one_line_whatever_is_in_it() {
        let field = |name: &str, kind| (name.to_owned(), Value { kind: Some(kind) });
        let text = Kind::StringValue("two\nlines".into());
        let fields = [field("size", Kind::IntValue(3)), field("name", text)].into();
        let entry = Entry { key: "a\u{1b}b".into(), fields, ..Entry::default() };
        assert_eq!(entry_line(&entry), r#"a\u001bb  name="two\nlines"  size=3"#);
    }
}
