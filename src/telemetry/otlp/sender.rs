//! The connection to the collector, and one call over it.

use std::time::Duration;

use millpond_client::{AuthorizedChannel, ConnectOptions};
use prost::Message;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::messages::ExportResponse;
use crate::config;

/// How long a collector may take for its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer: it has a count, and a message for people.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// A collector may answer with anything. So much of it is logged.
const MAX_SHOWN_CHARS: usize = 200;

/// The connection to the collector. It is made at the first call, and again when it is lost.
#[derive(Debug, Clone)]
pub(super) struct Sender(Grpc<AuthorizedChannel>);

impl Sender {
    /// Has to be called within a runtime, whose tasks keep the connection.
    pub(super) fn new(config: &config::Otlp) -> Result<Self, String> {
        let mut options = ConnectOptions::new(config.endpoint.as_str(), CALL_TIMEOUT);
        if let Some(ca) = &config.ca {
            options = options.ca(ca);
        }
        if let Some(file) = &config.token_file {
            options = options.token_file(file);
        }
        let client = options.connect_lazy().map_err(|error| error.to_string())?;
        Ok(Self(Grpc::new(client.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)))
    }

    /// Sends a message to the method at this path.
    pub(super) async fn send<M: Message + 'static>(
        &self,
        path: &'static str,
        message: M,
    ) -> Result<ExportResponse, Status> {
        let mut grpc = self.0.clone();
        let call = async {
            grpc.ready().await?;
            let codec = ProstCodec::<M, ExportResponse>::default();
            grpc.unary(Request::new(message), PathAndQuery::from_static(path), codec).await
        };
        let late = || Err(Status::deadline_exceeded("no answer within 5 seconds"));
        let answer = timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_| late())?;
        Ok(answer.into_inner())
    }
}

/// Whether the same message may be taken if it is sent again.
pub(super) fn can_be_cured_by_a_retry(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// What a collector says, safe to print and of sane length.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN_CHARS).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_says_is_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(shown(&"x".repeat(9_999)).len(), 200);
    }
}
