//! How a command fails: a message on standard error and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use tonic::{Code, Status};

use crate::app::BuildError;
use crate::config::Faults;

/// The exit codes of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Usage = 2,
    Unreachable = 69,
    Internal = 70,
    Config = 78,
}

#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Writes the message to standard error, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        // If standard error is closed, nobody can read the message.
        let _ = writeln!(io::stderr(), "millpond: {}", self.message);
        ExitCode::from(self.exit as u8)
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
            BuildError::Listen { .. } | BuildError::Memory(_) | BuildError::Kafka(_) => {
                Exit::Config
            }
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let exit = match status.code() {
            Code::NotFound | Code::InvalidArgument => Exit::Usage,
            // The client reports its own timeout as a cancellation.
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            // The service is up, but the table is not as fresh as the caller demands.
            | Code::FailedPrecondition => Exit::Unreachable,
            _ => Exit::Internal,
        };
        Self::new(exit, format!("{:?}: {}", status.code(), status.message()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Internal, format!("{error:#}"))
    }
}
