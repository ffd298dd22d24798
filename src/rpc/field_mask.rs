//! The fields that a call asks for.

use tonic_types::FieldViolation;

use super::texts::{MAX_TEXTS, Texts};

/// Which fields of a table a call wants.
#[derive(Debug)]
pub(super) struct FieldMask {
    /// Whether each field is wanted, in the order of the table's fields; none if all are.
    wanted: Option<Box<[bool]>>,
}

impl FieldMask {
    pub(super) const ALL: Self = Self { wanted: None };

    /// The mask of these names in a table with these fields.
    pub(super) fn of(names: &Texts, fields: &[Box<str>]) -> Result<Self, FieldViolation> {
        if names.count() == 0 {
            return Ok(Self::ALL);
        }
        if names.count() > MAX_TEXTS {
            let rule = format!("must be at most {MAX_TEXTS}, and there are {}", names.count());
            return Err(FieldViolation::new("fields", rule));
        }
        let mut wanted = vec![false; fields.len()];
        for (index, name) in names.iter().enumerate() {
            let place = fields.iter().position(|field| **field == *name);
            let place = place.and_then(|place| wanted.get_mut(place));
            *place.ok_or_else(|| unknown(index, fields))? = true;
        }
        Ok(Self { wanted: Some(wanted.into()) })
    }

    /// Whether the call wants the field with this number.
    pub(super) fn includes(&self, field: usize) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.get(field).is_some_and(|wanted| *wanted))
    }
}

fn unknown(index: usize, fields: &[Box<str>]) -> FieldViolation {
    /// Error details travel in a header, and clients limit its size.
    const MAX_LISTED: usize = 20;
    let more = if fields.len() > MAX_LISTED { ", ..." } else { "" };
    let listed = fields[..fields.len().min(MAX_LISTED)].join(", ");
    let rule = format!("must be a field of the table, which has: {listed}{more}");
    FieldViolation::new(format!("fields[{index}]"), rule)
}
