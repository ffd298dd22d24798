//! Conditions on a record, such as `{ "/kind" = "service" }`: their values and their text form.
//!
//! A condition says that a part of a record equals a constant. Whether a record fulfils it is
//! decided where records are read.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fault::quoted;
use super::form::Form;
use super::source::Source;
use super::tree::Kind;

/// A part of a record equals a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The part of the record.
    pub source: Source,
    /// The constant.
    pub equals: Constant,
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

/// The form of a constant. Text from the environment or a flag has no type: it is read as
/// JSON if it is a JSON scalar, and as a string otherwise.
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

/// The fault of a condition's name, if it is no source: what is wrong, and what to write.
pub(super) fn name_fault(name: &str) -> Option<(String, String)> {
    let wrong = name.parse::<Source>().err()?;
    let cure = "write a JSON Pointer such as \"/kind\", \"@key\" or \"@header/NAME\"";
    Some((format!("{}: {wrong}", quoted(name)), cure.into()))
}

/// The conditions. A name that is no source was reported as a fault before.
pub(super) fn all(named: impl IntoIterator<Item = (String, Constant)>) -> Vec<Condition> {
    let condition =
        |(name, equals): (String, Constant)| Some(Condition { source: name.parse().ok()?, equals });
    named.into_iter().filter_map(condition).collect()
}

/// Writes conditions in the form in which they are read.
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
    fn an_untyped_text_is_a_json_scalar_or_a_string() {
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
    fn a_quoted_number_is_a_string_and_a_date_has_to_be_quoted() {
        let parse = |kind, text| ConstantForm.parse_as(kind, text);
        assert_eq!(parse(Kind::Text, "5"), Ok(Constant::Text("5".into())));
        assert_eq!(parse(Kind::Whole, "5"), Ok(Constant::Int(5)));
        assert_eq!(parse(Kind::Other, "0.5"), Ok(Constant::Double(0.5)));
        assert!(parse(Kind::Other, "2024-01-01").is_err());
    }
}
