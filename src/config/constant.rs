//! How a condition is written: the name of a place, and the constant that it is to equal.

use serde::Serializer;
use serde::ser::SerializeMap;

use super::condition::{Condition, Constant};
use super::fault::quoted;
use super::form::Form;
use super::source::Source;
use super::tree::Kind;

/// The form of a constant. Where nothing says what a text is meant as, it is read as JSON
/// if it is a JSON scalar, and is a string otherwise.
pub(super) struct ConstantForm;

impl Form for ConstantForm {
    type Value = Constant;

    fn wanted(&self) -> String {
        "a string, a number, true or false".into()
    }

    fn parse(&self, text: &str) -> Result<Constant, String> {
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

    fn parse_as(&self, kind: Kind, text: &str) -> Result<Constant, String> {
        let number = || text.parse().map_err(|_| "a date goes in quotes".to_owned());
        match kind {
            Kind::Text => Ok(Constant::Text(text.into())),
            Kind::Other => number().map(Constant::Double),
            Kind::Whole | Kind::Truth | Kind::Untyped => self.parse(text),
        }
    }

    fn accepts(&self, _: Kind) -> bool {
        true
    }
}

/// What is wrong with the name of a condition, which is where its value is.
pub(super) fn name_fault(name: &str) -> Option<(String, String)> {
    let wrong = name.parse::<Source>().err()?;
    let cure = "write a JSON Pointer such as \"/kind\", \"@key\" or \"@header/NAME\"";
    Some((format!("{}: {wrong}", quoted(name)), cure.into()))
}

/// The conditions by name; those with a bad name are faults already.
pub(super) fn all(named: impl IntoIterator<Item = (String, Constant)>) -> Vec<Condition> {
    let condition =
        |(name, equals): (String, Constant)| Some(Condition { source: name.parse().ok()?, equals });
    named.into_iter().filter_map(condition).collect()
}

/// Writes them as they are read.
pub(super) fn serialize<S: Serializer>(
    conditions: &[Condition],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(conditions.len()))?;
    for Condition { source, equals } in conditions {
        map.serialize_entry(&source.to_string(), equals)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_no_kind_is_what_json_makes_of_it() {
        for (text, expected) in [
            ("true", Constant::Bool(true)),
            ("-5", Constant::Int(-5)),
            ("1.5", Constant::Double(1.5)),
            ("service", Constant::Text("service".into())),
            ("\"5\"", Constant::Text("5".into())),
            ("", Constant::Text("".into())),
            ("null", Constant::Text("null".into())),
        ] {
            assert_eq!(ConstantForm.parse_as(Kind::Untyped, text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_quoted_number_is_a_string_and_a_date_has_to_be() {
        let parse = |kind, text| ConstantForm.parse_as(kind, text);
        assert_eq!(parse(Kind::Text, "5"), Ok(Constant::Text("5".into())));
        assert_eq!(parse(Kind::Whole, "5"), Ok(Constant::Int(5)));
        assert_eq!(parse(Kind::Other, "0.5"), Ok(Constant::Double(0.5)));
        assert!(parse(Kind::Other, "2024-01-01").is_err());
    }
}
