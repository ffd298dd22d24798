//! What one connection may take of the pool, and what each of its calls holds of that.
//!
//! Whatever becomes of a call, its permit gives the bytes back on drop. This file does not know what
//! the bytes are used for.

use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Status;

use super::answers::{AnswerEntry, UnsentAnswer};
use super::parts::{Part, Parts, Purpose};
use super::shared::{CONNECTION_DIVISOR, LOOK_INTERVAL, Shared};
use crate::rpc::errors;
use crate::stats::ShedCause;

/// What a call may hold without a part of the pool.
pub const FREE_BYTES: usize = 4 << 10;

/// What one connection may take of the pool. Every call on the connection gets a clone.
#[derive(Clone)]
pub struct ConnectionShare(Arc<Share>);

/// Closes a connection.
pub(in crate::rpc) type CloseConnection = Box<dyn Fn() + Send + Sync>;

struct Share {
    peer: IpAddr,
    close: CloseConnection,
    parts: Arc<Parts>,
    pool: Arc<Shared>,
}

impl ConnectionShare {
    /// The share of a connection of this peer.
    pub(super) fn new(peer: IpAddr, close: CloseConnection, pool: Arc<Shared>) -> Self {
        let parts = Arc::new(Parts::new(pool.parts.bytes() / CONNECTION_DIVISOR));
        Self(Arc::new(Share { peer, close, parts, pool }))
    }

    /// The peer of the connection.
    pub(in crate::rpc) fn peer(&self) -> IpAddr {
        self.0.peer
    }

    /// Closes the connection.
    pub(in crate::rpc) fn close(&self) {
        (self.0.close)();
    }

    /// A permit that holds nothing yet.
    pub(in crate::rpc) fn new_permit(&self, purpose: Purpose) -> Permit {
        Permit { share: self.clone(), parts: self.parts(), purpose, held: None }
    }

    /// Counts a call that is shed. Returns the error for its caller.
    pub(in crate::rpc) fn shed_call(&self, cause: ShedCause) -> Status {
        self.count_shed(cause);
        errors::shed(cause)
    }

    /// Counts a call that is shed.
    pub(in crate::rpc) fn count_shed(&self, cause: ShedCause) {
        self.0.pool.shedding.count(cause);
    }

    /// Ends when memory is short, and all calls end that wait.
    pub(in crate::rpc) async fn shed(&self) {
        self.0.pool.shedding.wait().await;
    }

    /// Lists an answer among those that may be dropped, until the entry is dropped.
    pub(in crate::rpc) fn list_answer<A>(&self, answer: &Arc<A>) -> AnswerEntry
    where
        A: UnsentAnswer + 'static,
    {
        self.0.pool.answers.list(answer)
    }

    /// What the connection may take now: its own, or what it shares with all slow peers.
    fn parts(&self) -> Arc<Parts> {
        let Share { peer, parts, pool, .. } = &*self.0;
        pool.parts_if_slow(*peer).unwrap_or_else(|| Arc::clone(parts))
    }
}

impl fmt::Debug for ConnectionShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionShare").field(&self.0.peer).finish()
    }
}

/// The bytes that a call holds of the pool and of its connection's share.
#[derive(Debug)]
pub(in crate::rpc) struct Permit {
    share: ConnectionShare,
    /// What the connection might take when the permit was made.
    parts: Arc<Parts>,
    purpose: Purpose,
    held: Option<PermitPart>,
}

/// A part that was split off. It does not grow.
#[derive(Debug)]
pub(in crate::rpc) struct PermitPart {
    of_connection: OwnedSemaphorePermit,
    of_pool: OwnedSemaphorePermit,
}

impl Permit {
    /// Grows to at least this many bytes, or to the connection's share if that is smaller. It does
    /// not wait: if the bytes are not free it gives back all that it holds, and says why. Two
    /// answers that each held a part and waited for more could wait for ever.
    ///
    /// # Errors
    ///
    /// The pool or the share is full, others wait in line, or memory is short.
    pub(in crate::rpc) fn grow_to(&mut self, bytes: usize) -> Result<(), ShedCause> {
        let more_bytes = self.charged_bytes(bytes).saturating_sub(self.held_bytes());
        if more_bytes == 0 {
            return Ok(());
        }
        match self.take(more_bytes) {
            Ok(more) => self.merge(more),
            Err(cause) => {
                self.held = None;
                return Err(cause);
            }
        }
        Ok(())
    }

    /// Waits in line until there are this many bytes. It must hold none. Answers that are not read
    /// are dropped while it waits.
    ///
    /// # Errors
    ///
    /// There were not as many in time, or memory is short.
    pub(in crate::rpc) async fn wait_for(
        &mut self,
        bytes: usize,
        wait_end: Instant,
    ) -> Result<(), ShedCause> {
        let share = self.share.clone();
        let taken = tokio::select! {
            biased;
            taken = timeout_at(wait_end, self.wait_in_line(bytes)) => {
                taken.unwrap_or(Err(ShedCause::PoolFull))
            }
            () = share.shed() => Err(ShedCause::MemoryShort),
        };
        self.merge(taken?);
        Ok(())
    }

    async fn wait_in_line(&mut self, bytes: usize) -> Result<PermitPart, ShedCause> {
        loop {
            let bytes = self.charged_bytes(bytes);
            let is_slow = self.is_of_slow_peer();
            // First of the connection, so that a full connection does not hold up the line of all.
            let of_connection = acquire(self.part_of_connection(), bytes);
            let of_connection = if is_slow {
                self.while_dropping_stalled(bytes, of_connection).await?
            } else {
                of_connection.await?
            };
            let of_pool = acquire(self.part_of_pool(), bytes);
            let of_pool = self.while_dropping_stalled(bytes, of_pool).await?;
            let parts = self.share.parts();
            if is_slow || Arc::ptr_eq(&parts, &self.parts) {
                return Ok(PermitPart { of_connection, of_pool });
            }
            // The peer turned out to be slow meanwhile, so the call waits with others of its kind.
            self.parts = parts;
        }
    }

    /// Waits for this part of an answer of so many bytes, and drops answers that are not read.
    async fn while_dropping_stalled<T>(&self, bytes: usize, part: impl Future<Output = T>) -> T {
        let mut part = pin!(part);
        loop {
            tokio::select! {
                biased;
                part = &mut part => return part,
                () = sleep(LOOK_INTERVAL) => self.share.0.pool.drop_stalled(bytes),
            }
        }
    }

    /// Gives back what it holds above this many bytes.
    pub(in crate::rpc) fn shrink_to(&mut self, bytes: usize) {
        let surplus_bytes = self.held_bytes().saturating_sub(self.charged_bytes(bytes));
        drop(self.split(surplus_bytes));
    }

    /// Takes this many bytes out of the permit, or all that are left. None if that is none.
    pub(in crate::rpc) fn split(&mut self, bytes: usize) -> Option<PermitPart> {
        let bytes = bytes.min(self.held_bytes());
        let held = self.held.as_mut().filter(|_| bytes > 0)?;
        let of_connection = held.of_connection.split(bytes)?;
        Some(PermitPart { of_connection, of_pool: held.of_pool.split(bytes)? })
    }

    pub(in crate::rpc) fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.of_pool.num_permits())
    }

    /// Whether it takes its bytes out of what all slow peers share.
    pub(in crate::rpc) fn is_of_slow_peer(&self) -> bool {
        !Arc::ptr_eq(&self.parts, &self.share.0.parts)
    }

    pub(in crate::rpc) fn share(&self) -> &ConnectionShare {
        &self.share
    }

    /// What is taken of the pool for a call that holds this many bytes.
    fn charged_bytes(&self, bytes: usize) -> usize {
        if bytes <= FREE_BYTES { 0 } else { bytes.min(self.parts.of(self.purpose).bytes) }
    }

    fn take(&self, bytes: usize) -> Result<PermitPart, ShedCause> {
        let pool = &self.share.0.pool;
        if self.purpose != Purpose::Statistics && pool.shedding.is_on() {
            return Err(ShedCause::MemoryShort);
        }
        // Refused while others wait in line, so nobody is overtaken.
        let of_connection = try_acquire(self.part_of_connection(), bytes)?;
        let of_pool = try_acquire(self.part_of_pool(), bytes).or_else(|refused| {
            if self.purpose == Purpose::Request {
                return Err(refused);
            }
            pool.drop_stalled(bytes);
            try_acquire(self.part_of_pool(), bytes)
        })?;
        Ok(PermitPart { of_connection, of_pool })
    }

    fn merge(&mut self, more: PermitPart) {
        match &mut self.held {
            Some(held) => {
                held.of_connection.merge(more.of_connection);
                held.of_pool.merge(more.of_pool);
            }
            None => self.held = Some(more),
        }
    }

    fn part_of_connection(&self) -> &Part {
        self.parts.of(self.purpose)
    }

    fn part_of_pool(&self) -> &Part {
        self.share.0.pool.parts.of(self.purpose)
    }
}

fn try_acquire(part: &Part, bytes: usize) -> Result<OwnedSemaphorePermit, ShedCause> {
    let free = Arc::clone(&part.free);
    let bytes = u32::try_from(bytes).map_err(|_| ShedCause::PoolFull)?;
    free.try_acquire_many_owned(bytes).map_err(|_| ShedCause::PoolFull)
}

async fn acquire(part: &Part, bytes: usize) -> Result<OwnedSemaphorePermit, ShedCause> {
    let free = Arc::clone(&part.free);
    let bytes = u32::try_from(bytes).map_err(|_| ShedCause::PoolFull)?;
    // The semaphore is never closed.
    free.acquire_many_owned(bytes).await.map_err(|_| ShedCause::PoolFull)
}
