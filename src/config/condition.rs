//! Conditions on a record, such as `{ "/kind" = "service" }`: their tests and their text form.
//!
//! A condition says something of one part of a record. Whether a record fulfils it is decided where
//! records are read.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fault::quoted;
use super::form::Form;
use super::source::{SOURCE, Source};
use super::tree::{Content, Kind};

/// A part of a record passes a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The part of the record.
    pub source: Source,
    /// The test.
    pub test: Test,
}

/// What is asked of a part of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It equals one of these; at least one.
    OneOf(Box<[Constant]>),
    /// It is JSON null.
    Null,
    /// The record does not have it.
    Absent,
    /// The record has it, and it is not null.
    Present,
}

/// A constant, compared as JSON compares: text with text, number with number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Constant {
    /// A string.
    Text(Box<str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Double(f64),
}

/// The part equals this.
impl From<Constant> for Test {
    fn from(constant: Constant) -> Self {
        Self::OneOf([constant].into())
    }
}

/// Writes the test in the form in which it is read.
impl Serialize for Test {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is = match self {
            // The text "null" alone would be taken for a mistake.
            Self::OneOf(constants) if constants.len() == 1 && !is_null_text(constants) => {
                return constants.first().serialize(serializer);
            }
            Self::OneOf(constants) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(ONE_OF, constants)?;
                return map.end();
            }
            Self::Null => "null",
            Self::Absent => "absent",
            Self::Present => "present",
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(IS, is)?;
        map.end()
    }
}

fn is_null_text(constants: &[Constant]) -> bool {
    matches!(constants, [Constant::Text(text)] if &**text == "null")
}

const ONE_OF: &str = "one_of";
const IS: &str = "is";

/// The form of a test: a constant to be equal to, `{ one_of = [...] }` or `{ is = "null" }`.
pub(super) struct TestForm;

impl Form for TestForm {
    type Value = Test;

    fn wanted(&self) -> String {
        "a string, a number, true or false, `{ one_of = [\"a\", \"b\"] }`, or `{ is = \"null\" }`, \
         \"absent\" or \"present\""
            .into()
    }

    fn parse(&self, text: &str) -> Result<Test, String> {
        self.parse_as(Kind::Untyped, text)
    }

    fn parse_as(&self, kind: Kind, text: &str) -> Result<Test, String> {
        let constant = parse_constant(kind, text)?;
        if is_null_text(std::slice::from_ref(&constant)) {
            let null = "JSON null is written { is = \"null\" }";
            return Err(format!("{null}, and the text null {{ one_of = [\"null\"] }}"));
        }
        Ok(constant.into())
    }

    fn parse_structure(&self, content: &Content) -> Result<Test, String> {
        if let Some(constants) = content.only(ONE_OF).and_then(Content::values) {
            let constants = constants.into_iter().map(|(text, kind)| parse_constant(kind, text));
            let constants = constants.collect::<Result<Box<[_]>, _>>()?;
            let is_empty = constants.is_empty();
            return if is_empty {
                Err("one_of is empty".into())
            } else {
                Ok(Test::OneOf(constants))
            };
        }
        match content.only(IS).and_then(Content::text) {
            Some("null") => Ok(Test::Null),
            Some("absent") => Ok(Test::Absent),
            Some("present") => Ok(Test::Present),
            _ => Err("neither a list under one_of nor a known word under is".into()),
        }
    }

    fn accepts(&self, _: Kind) -> bool {
        true
    }
}

/// Text from the environment or a flag has no type: it is read as JSON if it is a JSON scalar, and
/// as a string otherwise.
fn parse_constant(kind: Kind, text: &str) -> Result<Constant, String> {
    let number = || text.parse().map_err(|_| "a date goes in quotes".to_owned());
    match kind {
        Kind::Text => Ok(Constant::Text(text.into())),
        Kind::Other => number().map(Constant::Double),
        Kind::Whole | Kind::Truth | Kind::Untyped => parse_untyped(text),
    }
}

fn parse_untyped(text: &str) -> Result<Constant, String> {
    let json = serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    let number = |number: &serde_json::Number| number.as_f64().map(Constant::Double);
    match json {
        serde_json::Value::Bool(truth) => Ok(Constant::Bool(truth)),
        serde_json::Value::String(text) => Ok(Constant::Text(text.into())),
        serde_json::Value::Number(found) => {
            let whole = found.as_i64().map(Constant::Int);
            whole.or_else(|| number(&found)).ok_or_else(|| "not such a number".into())
        }
        _ => Ok(Constant::Text(text.into())),
    }
}

/// The fault of a condition's name, if it is no source: what is wrong, and what to write.
pub(super) fn name_fault(name: &str) -> Option<(String, String)> {
    let wrong = name.parse::<Source>().err()?;
    Some((format!("{}: {wrong}", quoted(name)), format!("write {SOURCE}")))
}

/// The conditions. A name that is no source was reported as a fault before.
pub(super) fn all(named: impl IntoIterator<Item = (String, Test)>) -> Vec<Condition> {
    let condition =
        |(name, test): (String, Test)| Some(Condition { source: name.parse().ok()?, test });
    named.into_iter().filter_map(condition).collect()
}

/// Writes conditions in the form in which they are read.
pub(super) fn serialize<S: Serializer>(
    conditions: &[Condition],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(conditions.len()))?;
    for Condition { source, test } in conditions {
        map.serialize_entry(&source.to_string(), test)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, faults, load};
    use super::*;

    fn text(text: &str) -> Constant {
        Constant::Text(text.into())
    }

    #[test]
    fn an_untyped_text_is_a_json_scalar_or_a_string() {
        for (written, expected) in [
            ("true", Constant::Bool(true)),
            ("-5", Constant::Int(-5)),
            ("1.5", Constant::Double(1.5)),
            ("service", text("service")),
            ("\"5\"", text("5")),
            ("", text("")),
        ] {
            let parsed = TestForm.parse_as(Kind::Untyped, written);
            assert_eq!(parsed, Ok(expected.into()), "{written}");
        }
    }

    #[test]
    fn a_quoted_number_is_a_string_and_a_date_has_to_be_quoted() {
        let parse = |kind, text| TestForm.parse_as(kind, text);
        assert_eq!(parse(Kind::Text, "5"), Ok(text("5").into()));
        assert_eq!(parse(Kind::Whole, "5"), Ok(Constant::Int(5).into()));
        assert_eq!(parse(Kind::Other, "0.5"), Ok(Constant::Double(0.5).into()));
        assert!(parse(Kind::Other, "2024-01-01").is_err());
    }

    /// The tests of a table whose `delete_when` is this, after they were written and read again.
    fn tests_of(conditions: &str) -> Vec<(String, Test)> {
        let written = format!("{SMALLEST}delete_when = {conditions}");
        let config = load(&written, &[], &[]).unwrap();
        let again = load(&config.effective(), &[], &[]).unwrap();
        assert_eq!(again.tables[0].delete_when, config.tables[0].delete_when);
        let conditions = config.tables[0].delete_when.iter();
        conditions.map(|it| (it.source.to_string(), it.test.clone())).collect()
    }

    #[test]
    fn a_condition_can_say_one_of_null_absent_and_present() {
        let tests = tests_of(
            r#"{ "/a" = { one_of = ["x", 5, true, "null"] }, "/b" = { is = "null" },
                 "/c" = { is = "absent" }, "/d" = { is = "present" }, "/e" = { one_of = ["null"] } }"#
                .replace('\n', "")
                .as_str(),
        );
        let one_of = [text("x"), Constant::Int(5), Constant::Bool(true), text("null")];
        let expected = [
            ("/a", Test::OneOf(one_of.into())),
            ("/b", Test::Null),
            ("/c", Test::Absent),
            ("/d", Test::Present),
            ("/e", text("null").into()),
        ];
        assert_eq!(tests, expected.map(|(name, test)| (name.to_owned(), test)));
        let settings = ["tables.0.only_when./k.one_of.0=a", "tables.0.only_when./x.is=null"];
        let config = load(SMALLEST, &[], &settings).unwrap();
        let tests: Vec<_> = config.tables[0].only_when.iter().map(|it| it.test.clone()).collect();
        assert_eq!(tests, [text("a").into(), Test::Null]);
    }

    #[test]
    fn the_text_null_and_a_test_of_another_shape_are_faults() {
        let null =
            "JSON null is written { is = \"null\" }, and the text null { one_of = [\"null\"] }";
        let shape = "neither a list under one_of nor a known word under is";
        for (test, expected) in [
            ("\"null\"", format!("found \"null\": {null}")),
            ("{ one_of = [] }", "found a section: one_of is empty".into()),
            ("{ is = \"nil\" }", format!("found a section: {shape}")),
            ("{ is = \"null\", one_of = [1] }", format!("found a section: {shape}")),
            ("[1]", format!("found a list: {shape}")),
        ] {
            let text = format!("{SMALLEST}delete_when = {{ \"/x\" = {test} }}");
            let expected = format!("tables[0].delete_when./x: {expected}");
            assert_eq!(faults(&text, &[], &[]), [expected], "{test}");
        }
        let found = faults(SMALLEST, &[], &["tables.0.only_when./x=null"]);
        assert!(found[0].contains(null), "{found:?}");
    }
}
