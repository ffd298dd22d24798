//! The tables of a running service, as they are configured.

use std::fmt::Write as _;

use crate::cli::client::ClientArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, escaped, span};
use crate::cli::shown::show_answer;
use crate::proto::v1::{ListTablesRequest, ListTablesResponse, TableDescription};

/// Shows the table of this name, or all tables.
pub(super) fn show(name: Option<&str>, client: &ClientArgs, output: Output) -> Result<(), Failure> {
    let ask = async {
        let mut tables = all_tables(client).await?;
        if let Some(name) = name {
            tables.retain(|table| table.name == name);
            if tables.is_empty() {
                let message = format!("no table is called {name:?}; `millpond describe` lists all");
                return Err(Failure::new(Exit::Usage, message));
            }
        }
        Ok(ListTablesResponse { tables, next_page_token: String::new() })
    };
    show_answer(output, "ListTablesResponse", ask, |answer| {
        answer.tables.iter().map(table_text).collect()
    })
}

async fn all_tables(client: &ClientArgs) -> Result<Vec<TableDescription>, Failure> {
    let client = client.connect().await?;
    let (mut tables, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTablesRequest { page_size: 0, page_token };
        let page = client.lookup().list_tables(client.request(request)).await?.into_inner();
        tables.extend(page.tables);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(tables);
        }
    }
}

fn table_text(table: &TableDescription) -> String {
    let mut text = format!(
        "{}\n  topic {}\n  key from {}\n  lives {} from {}\n",
        table.name,
        table.topic,
        escaped(&table.key_sources.join(", else ")),
        span(table.ttl),
        escaped(&table.ttl_from),
    );
    for field in &table.fields {
        let _ = writeln!(text, "  field {} from {}", field.name, escaped(&field.source));
    }
    text
}
