//! How a command fails: a message on standard error and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt};

use crate::app::BuildError;
use crate::config::Faults;
use crate::shutdown::StopSignal;

/// The exit codes of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Usage = 2,
    Unreachable = 69,
    Internal = 70,
    TryAgain = 75,
    Config = 78,
    /// As a shell reports a process that ends by this signal.
    Interrupted = 130,
    /// As a shell reports a process that ends by this signal.
    Terminated = 143,
}

#[derive(Debug)]
pub(super) struct Failure {
    /// None where nothing is wrong: whoever read the output has seen enough.
    exit: Option<Exit>,
    message: String,
    /// The status that a service answered with.
    status: Option<Box<Status>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit: Some(exit), message: message.into(), status: None }
    }

    /// The same failure for programs: a status that a service answered with becomes the JSON of a
    /// `google.rpc.Status`, with its details.
    pub(super) fn into_json(self) -> Self {
        let message = self.status.as_deref().map(status_json);
        Self { message: message.unwrap_or(self.message), ..self }
    }

    /// What is wrong, and what to do.
    pub(super) fn text(&self) -> &str {
        &self.message
    }

    /// Writes the message to standard error, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let Some(exit) = self.exit else { return ExitCode::SUCCESS };
        let prefix = if self.message.starts_with('{') { "" } else { "millpond: " };
        // If standard error is closed, nobody can read the message.
        let _ = writeln!(io::stderr(), "{prefix}{}", self.message);
        ExitCode::from(exit as u8)
    }
}

impl From<StopSignal> for Failure {
    fn from(signal: StopSignal) -> Self {
        let exit = match signal {
            StopSignal::Interrupt => Exit::Interrupted,
            StopSignal::Terminate => Exit::Terminated,
        };
        Self::new(exit, "asked again to stop, ended at once")
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::new(Exit::Config, faults.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let exit = match error {
            BuildError::System(_) => Exit::Internal,
            BuildError::Listen { .. }
            | BuildError::Tls(_)
            | BuildError::Access(_)
            | BuildError::Memory(_)
            | BuildError::Otlp(_)
            | BuildError::Kafka(_) => Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        // Only an answer of the service has details; a lost connection has none.
        let is_answer = status.get_details_error_info().is_some();
        let exit = match status.code() {
            // Another token or certificate is needed, or a line of the policy. A retry helps nothing.
            Code::NotFound
            | Code::InvalidArgument
            | Code::Unauthenticated
            | Code::PermissionDenied => Exit::Usage,
            // The table is not as fresh as the caller demands, or the service sheds calls.
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded if is_answer => {
                Exit::TryAgain
            }
            // The client reports its own timeout as a cancellation.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Exit::Unreachable,
            // The connection ended, and the reason was lost with it.
            Code::Unknown if !is_answer => Exit::Unreachable,
            _ => Exit::Internal,
        };
        let mut message = format!("{:?}: {}", status.code(), status.message());
        message.push_str(match status.code() {
            Code::Unauthenticated => "; --token-file or --certificate and --key say who calls",
            Code::Unimplemented => "; the service is older than this command",
            Code::Cancelled | Code::DeadlineExceeded if !is_answer => {
                "; --timeout gives the service longer to answer"
            }
            Code::Unavailable if !is_answer => "; is millpond still running there?",
            Code::Internal if is_answer => "; the service's log may say more",
            Code::Unknown if !is_answer => {
                "; a port with TLS ends a connection whose --certificate it does not accept"
            }
            _ => "",
        });
        Self { status: Some(Box::new(status)), ..Self::new(exit, message) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // The end of a pipe such as `| head -1`. No file or socket of a verb fails so.
        let is_enough = error.kind() == io::ErrorKind::BrokenPipe;
        let exit = (!is_enough).then_some(Exit::Internal);
        Self { exit, message: error.to_string(), status: None }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Internal, format!("{error:#}"))
    }
}

fn status_json(status: &Status) -> String {
    let mut details = Vec::new();
    if let Some(info) = status.get_details_error_info() {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": info.reason,
            "domain": info.domain,
            "metadata": info.metadata,
        }));
    }
    if let Some(request) = status.get_details_bad_request() {
        let violation = |violation: FieldViolation| json!({ "field": violation.field, "description": violation.description });
        let violations: Vec<_> = request.field_violations.into_iter().map(violation).collect();
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": violations,
        }));
    }
    if let Some(delay) = status.get_details_retry_info().and_then(|retry| retry.retry_delay) {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", delay.as_secs_f64()),
        }));
    }
    if let Some(request) = status.get_details_request_info() {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RequestInfo",
            "requestId": request.request_id,
        }));
    }
    let code = i32::from(status.code());
    json!({ "code": code, "message": status.message(), "details": details }).to_string()
}
