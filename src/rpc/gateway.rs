//! Calls that come another way than by gRPC: with the same rights, limits and answers.
//!
//! The admin port has a way in: what it shows of keys and values it gets here, so nobody sees more
//! there than by gRPC. A call here holds no streams and no connection, and its answer is copied.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use prost::bytes::Bytes;
use rustls::pki_types::CertificateDer;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::call::Call;
use super::callers::Callers;
use super::costs::measured;
use super::deadline::Deadline;
use super::errors;
use super::methods::{Answered, Methods};
use super::net::Peer;
use super::pool::Purpose;
use super::request::RequestMessage;
use super::response::FinishedResponse;
use crate::access::Target;
use crate::proto::Method;
use crate::request_id::RequestId;

/// What gRPC puts before a message.
const HEAD_BYTES: usize = 5;

/// The methods. Clones share them.
#[derive(Clone)]
pub struct Gateway {
    methods: Arc<Methods>,
    callers: Callers,
}

/// Who makes a call, as far as it is proved.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Where it comes from.
    pub address: SocketAddr,
    /// The caller's verified certificate, in DER.
    pub certificate: Option<&'a [u8]>,
    /// Its `authorization` headers.
    pub authorization: &'a [&'a [u8]],
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The status of HTTP that says the same as the code of gRPC.
    pub http_status: u16,
    /// The code of gRPC.
    pub code: i32,
    /// The name of its `ErrorReason`, if it has one.
    pub reason: Option<String>,
    /// How long to wait before the next attempt, if one may help.
    pub retry_after: Option<Duration>,
    /// What was wrong, and what to do.
    pub message: String,
}

impl Gateway {
    pub(super) fn new(methods: Arc<Methods>, callers: Callers) -> Self {
        Self { methods, callers }
    }

    /// Calls a method with an encoded request, which is small. Returns the encoded answer.
    ///
    /// # Errors
    ///
    /// As by gRPC.
    pub async fn call(
        &self,
        method: Method,
        origin: Origin<'_>,
        request: Bytes,
    ) -> Result<Vec<u8>, CallError> {
        self.answer(method, origin, request).await.map_err(CallError::from)
    }

    async fn answer(
        &self,
        method: Method,
        origin: Origin<'_>,
        request: Bytes,
    ) -> Result<Vec<u8>, Status> {
        let certificate = origin.certificate.map(|der| CertificateDer::from(der.to_vec()));
        let peer = Peer { address: origin.address, certificate };
        // There is no connection of the gRPC port to close.
        let connection = self.callers.of_connection(&peer, Box::new(|| ()));
        let id = RequestId::random();
        let authorization = origin.authorization.iter().copied();
        let caller = connection.access.admit(&id, Target::Method(method), authorization);
        let caller = caller.map_err(errors::denied)?;
        let call = Call::new(Deadline::default(), connection.share, caller, connection.costs);
        let answering = pin!(answer(&self.methods, method, &call, request));
        let (response, spent) = measured(answering).await;
        call.add_cost(spent, response.as_ref().map(FinishedResponse::total_bytes));
        let mut response = response?;
        call.caller().take_bytes(response.total_bytes());
        let mut answer = Vec::with_capacity(response.total_bytes());
        while let Some(piece) = response.next_piece() {
            answer.extend_from_slice(&piece);
        }
        Ok(answer.split_off(answer.len().min(HEAD_BYTES)))
    }
}

async fn answer(
    methods: &Methods,
    method: Method,
    call: &Call,
    request: Bytes,
) -> Result<FinishedResponse, Status> {
    let mut permit = call.share().new_permit(Purpose::Request);
    permit.grow_to(request.len()).map_err(|cause| call.share().shed_call(cause))?;
    match methods.call(method, call, RequestMessage { bytes: request, permit }).await? {
        Answered::Message(message) => Ok(message),
        Answered::Stream(_) => {
            let message = "the method answers with a stream, which only gRPC carries";
            Err(errors::malformed(Code::Unimplemented, message))
        }
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let http_status = match status.code() {
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
            Code::Unauthenticated => 401,
            Code::PermissionDenied => 403,
            Code::NotFound => 404,
            Code::ResourceExhausted => 429,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::DeadlineExceeded => 504,
            _ => 500,
        };
        Self {
            http_status,
            code: status.code().into(),
            reason: status.get_details_error_info().map(|info| info.reason),
            retry_after: status.get_details_retry_info().and_then(|retry| retry.retry_delay),
            message: status.message().to_owned(),
        }
    }
}
