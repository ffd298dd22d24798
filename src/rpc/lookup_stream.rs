//! `StreamGet`: lookups as they come on one stream, each answered with its caller's tag.
//!
//! ```text
//! Intake -> those that have come -> prepared -> answered together, in one piece for the transport
//!            one that waits for min_positions -> waiting -> prepared, when its table is there
//! ```
//!
//! Answers are made only when the transport has taken those before. What a lookup does is in
//! `lookup.rs`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http_body::Body;
use prost::Message;
use prost::bytes::Bytes;
use tonic::Status;
use tonic_types::{FieldViolation, StatusExt};

use super::authorization;
use super::call::{Attempt, Call};
use super::costs::CallCost;
use super::errors;
use super::field_mask::FieldMask;
use super::lookup_intake::{Intake, TaggedRequest};
use super::lookup_request::GetRequest;
use super::methods::Methods;
use super::pool::{Permit, Purpose};
use super::request::RequestReader;
use super::response::{FinishedResponse, ResponseBuffer};
use super::streamed::{MessageSource, NextMessage};
use crate::proto::v1::stream_get_response::Outcome;
use crate::proto::v1::{ErrorReason, LookupError, StreamGetResponse};

/// Requests that may wait for positions at a time. Stated in the protocol.
const MAX_WAITING: usize = 100;
/// Requests that are answered together.
const MAX_TOGETHER: usize = 64;
/// Once their answers take this much, the next ones wait for their turn.
const ENOUGH_BYTES: usize = 16 << 10;
/// What a stream takes beside its requests and answers: the rest of a frame.
const STREAM_BYTES: usize = 16 << 10;
/// What a request takes beside its texts and positions, while it waits.
const WAITING_BYTES: usize = 1 << 10;

/// The lookups of one call.
pub(super) struct LookupStream {
    methods: Arc<Methods>,
    /// None once the caller's last request was taken.
    intake: Option<Intake>,
    ready: VecDeque<Lookup>,
    waiting: FuturesUnordered<BoxFuture<'static, Lookup>>,
    waiting_tags: HashSet<i64>,
    /// What the requests take that wait.
    waiting_bytes: usize,
    held: Permit,
}

/// A request that can be answered.
struct Lookup {
    tag: i64,
    request: GetRequest,
    /// The fields to answer with, or why there is no answer.
    prepared: Result<FieldMask, Status>,
}

impl LookupStream {
    /// The lookups of the requests that come by this reader.
    ///
    /// # Errors
    ///
    /// When the byte pool has no room for one more stream.
    pub(super) fn open<B: Body<Data = Bytes> + Unpin + Send + 'static>(
        methods: Arc<Methods>,
        call: &Call,
        mut reader: RequestReader<B>,
    ) -> Result<Self, Status> {
        // The caller may take its time between requests, before the first too.
        reader.wait_for_ever();
        let mut stream = Self {
            methods,
            intake: Some(Intake::start(reader, call.share().new_permit(Purpose::Request))),
            ready: VecDeque::new(),
            waiting: FuturesUnordered::new(),
            waiting_tags: HashSet::new(),
            waiting_bytes: 0,
            held: call.share().new_permit(Purpose::Request),
        };
        stream.charge()?;
        Ok(stream)
    }

    /// Charges what the requests take to the pool.
    fn charge(&mut self) -> Result<(), Status> {
        let of_ready = self.ready.iter().map(|lookup| lookup.request.held_bytes());
        let bytes = STREAM_BYTES + self.waiting_bytes + of_ready.sum::<usize>();
        self.held.shrink_to(bytes);
        let grown = self.held.grow_to(bytes);
        grown.map_err(|cause| self.held.share().shed_call(cause))
    }

    async fn next_message(&mut self, call: &Call) -> Result<Option<FinishedResponse>, Status> {
        while self.ready.is_empty() {
            if !self.take_more(call).await? {
                return Ok(None);
            }
            self.charge()?;
        }
        let (mut count, mut busy) = (0, Duration::ZERO);
        let answer = |attempt, buffer: &mut ResponseBuffer| {
            let begin = Instant::now();
            count = 0;
            for lookup in &self.ready {
                lookup.answer(&self.methods, attempt, buffer);
                count += 1;
                if buffer.message_bytes() >= ENOUGH_BYTES {
                    break;
                }
            }
            busy += begin.elapsed();
            Ok(())
        };
        let response = call.respond_with_messages(answer).await?;
        self.count(call, count, busy, response.total_bytes());
        self.ready.drain(..count);
        Ok(Some(response))
    }

    /// Counts what the first lookups cost, under their tables: to each the same part of it.
    fn count(&self, call: &Call, lookups: usize, busy: Duration, bytes: usize) {
        let answered: Vec<_> = self.ready.iter().take(lookups).collect();
        for of_table in answered.chunk_by(|one, next| one.request.table == next.request.table) {
            let part = |whole: u64| whole * of_table.len() as u64 / lookups.max(1) as u64;
            let nanos = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
            let cost = CallCost {
                answer_bytes: part(bytes as u64),
                busy: Duration::from_nanos(part(nanos)),
                ..CallCost::default()
            };
            call.add_keys(&of_table[0].request.table, of_table.len(), cost);
        }
    }

    /// Waits for requests, or for the end of one that waits. False if neither comes any more.
    async fn take_more(&mut self, call: &Call) -> Result<bool, Status> {
        let Self { intake, waiting, .. } = self;
        let intake = intake.as_ref().filter(|_| waiting.len() < MAX_WAITING);
        if intake.is_none() && waiting.is_empty() {
            return Ok(false);
        }
        let next = async {
            match intake {
                Some(intake) => intake.next().await,
                None => std::future::pending().await,
            }
        };
        let request = tokio::select! {
            biased;
            Some(lookup) = waiting.next() => {
                self.waiting_tags.remove(&lookup.tag);
                self.waiting_bytes -= lookup.waiting_bytes();
                self.ready.push_back(lookup);
                return Ok(true);
            }
            request = next => request?,
        };
        self.take_all(call, request)?;
        Ok(true)
    }

    /// Takes this request, and those that have come too. None ends the requests.
    fn take_all(&mut self, call: &Call, first: Option<TaggedRequest>) -> Result<(), Status> {
        let Some(mut request) = first else {
            self.intake = None;
            return Ok(());
        };
        loop {
            self.take(call, request)?;
            let is_enough = self.ready.len() >= MAX_TOGETHER || self.waiting.len() >= MAX_WAITING;
            let intake = self.intake.as_ref().filter(|_| !is_enough);
            // An error comes again, after the answers to those that came before.
            let next = intake.and_then(|intake| intake.next_that_has_come().ok().flatten());
            let Some(next) = next else { return Ok(()) };
            request = next;
        }
    }

    fn take(&mut self, call: &Call, request: TaggedRequest) -> Result<(), Status> {
        let TaggedRequest { tag, get } = request;
        if self.waiting_tags.contains(&tag) {
            let rule = format!("{tag} is the tag of a request that is not answered yet");
            return Err(errors::invalid_request(vec![FieldViolation::new("tag", rule)]));
        }
        let request = get.unwrap_or_default();
        if let Err(denied) = authorization::authorize(call.caller(), &request) {
            self.ready.push_back(Lookup { tag, request, prepared: Err(denied) });
            return Ok(());
        }
        let deadline = call.deadline();
        let prepared = self.methods.lookup.prepare_get(&request, deadline).now_or_never();
        if let Some(prepared) = prepared {
            self.ready.push_back(Lookup { tag, request, prepared });
            return Ok(());
        }
        let methods = Arc::clone(&self.methods);
        let lookup = Lookup { tag, request, prepared: Ok(FieldMask::ALL) };
        self.waiting_tags.insert(tag);
        self.waiting_bytes += lookup.waiting_bytes();
        self.waiting.push(Box::pin(async move {
            let prepared = methods.lookup.prepare_get(&lookup.request, deadline).await;
            Lookup { prepared, ..lookup }
        }));
        Ok(())
    }
}

impl MessageSource for LookupStream {
    fn next<'a>(&'a mut self, call: &'a Call) -> NextMessage<'a> {
        Box::pin(self.next_message(call))
    }
}

impl Lookup {
    /// What it takes while it waits.
    fn waiting_bytes(&self) -> usize {
        WAITING_BYTES + self.request.held_bytes()
    }

    /// Writes the answer.
    fn answer(&self, methods: &Methods, attempt: Attempt, buffer: &mut ResponseBuffer) {
        let Self { tag, request, prepared } = self;
        let answered = prepared.as_ref().map_err(Status::clone).and_then(|mask| {
            methods.lookup.get_prepared(request, mask, attempt, |outcome, as_of| {
                outcome.put_stream_get_response(*tag, as_of, buffer);
            })
        });
        if let Err(status) = answered {
            let outcome = Some(Outcome::Error(error_of(&status)));
            let response = StreamGetResponse { tag: *tag, outcome };
            buffer.put_message_head(response.encoded_len());
            buffer.put_message(&response);
        }
    }
}

/// The error of one lookup, with the reason and the delay that its status has in its details.
fn error_of(status: &Status) -> LookupError {
    let info = status.get_details_error_info();
    let reason = info.and_then(|info| ErrorReason::from_str_name(&info.reason));
    let retry = status.get_details_retry_info().and_then(|info| info.retry_delay);
    LookupError {
        code: status.code().into(),
        reason: reason.unwrap_or(ErrorReason::Unspecified).into(),
        message: status.message().to_owned(),
        retry_delay: retry.and_then(|delay| delay.try_into().ok()),
    }
}
