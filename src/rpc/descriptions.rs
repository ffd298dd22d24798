//! Describes the tables as they are configured: their fields, and where everything comes from.

use tonic::Status;

use super::convert::to_duration;
use super::page::{List, PageRequest, token_after};
use crate::config::Table;
use crate::proto::v1::{FieldDescription, ListTablesRequest, ListTablesResponse, TableDescription};

const DEFAULT_PAGE_SIZE: usize = 100;

/// The descriptions of all tables, in the order of the configuration.
pub(super) struct TableDescriptions(Vec<TableDescription>);

impl TableDescriptions {
    pub(super) fn new(tables: &[Table]) -> Self {
        Self(tables.iter().map(describe).collect())
    }

    /// One page of those that are visible. A table's number in the list is its place among them,
    /// counted from one.
    pub(super) fn list(
        &self,
        request: &ListTablesRequest,
        is_visible: impl Fn(&str) -> bool,
    ) -> Result<ListTablesResponse, Status> {
        let asked = (request.page_size, request.page_token.as_str());
        let PageRequest { size, after } = PageRequest::of(List::Tables, asked, DEFAULT_PAGE_SIZE)?;
        let start = after.and_then(|(number, _)| usize::try_from(number).ok()).unwrap_or(0);
        let visible: Vec<_> = self.0.iter().filter(|table| is_visible(&table.name)).collect();
        let page = visible.iter().skip(start).take(size);
        let tables: Vec<_> = page.map(|table| (*table).clone()).collect();
        let end = start + tables.len();
        let token = || token_after(List::Tables, (end as u64, ""));
        let next_page_token = (end < visible.len()).then(token).unwrap_or_default();
        Ok(ListTablesResponse { tables, next_page_token })
    }
}

fn describe(table: &Table) -> TableDescription {
    let field = |(name, source): (&String, &crate::config::Source)| FieldDescription {
        name: name.clone(),
        source: source.to_string(),
    };
    TableDescription {
        name: table.name.clone(),
        topic: table.topic.clone(),
        key_sources: table.key.as_slice().iter().map(ToString::to_string).collect(),
        fields: table.fields.iter().map(field).collect(),
        ttl: Some(to_duration(table.life.ttl)),
        ttl_from: table.life.ttl_from.to_string(),
    }
}
