//! The signal handler: copies where a thread is, and its stack, to be looked at by another thread.
//!
//! It allocates nothing, takes no lock, follows no pointer of the thread that it interrupts, and
//! restores `errno`. The system copies the stack, so memory that is not there is an error and no
//! fault. The handler stays installed for good, since a late signal would end the process without it.

#![expect(unsafe_code, reason = "a signal handler, and what it shares with the thread that reads")]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// As much of a stack as is copied. More than most have.
const STACK_BYTES: usize = 64 << 10;
/// Samples that wait to be read. They are read each 10 ms, and a thread makes one in that time.
const SLOTS: usize = 32;
const PAGE_BYTES: usize = 4096;
/// The parts of a stack that are copied: where one is not there, those before it are copied.
const PARTS: usize = STACK_BYTES / PAGE_BYTES;

const FREE: u8 = 0;
const WRITING: u8 = 1;
const WRITTEN: u8 = 2;

/// Where the samples go at the moment. Null: nowhere.
static RING: AtomicPtr<Ring> = AtomicPtr::new(ptr::null_mut());
/// Handlers that run at the moment and may use the ring.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Where a thread was, with a copy of its stack.
pub(super) struct Sample {
    /// The system's number of the thread.
    pub(super) thread: i32,
    pub(super) registers: Registers,
    stack: Box<[u8]>,
    stack_bytes: usize,
}

/// The registers that unwinding begins with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Registers {
    /// The next instruction.
    pub(super) instruction: u64,
    /// The end of the stack.
    pub(super) stack: u64,
    /// The frame, if the code keeps it there.
    pub(super) frame: u64,
    /// Where to return to, on processors that keep it in a register.
    #[cfg_attr(target_arch = "x86_64", expect(dead_code, reason = "it has no such register"))]
    pub(super) link: u64,
}

struct Ring {
    slots: Vec<Slot>,
    lost: AtomicU64,
}

struct Slot {
    state: AtomicU8,
    sample: UnsafeCell<Sample>,
}

/// Takes samples until it is dropped. One exists at a time.
pub(super) struct Sampler(*mut Ring);

impl Sampler {
    /// Makes the process ready for the signals.
    ///
    /// # Errors
    ///
    /// When there is a sampler already, or the system refuses the handler.
    pub(super) fn start() -> io::Result<Self> {
        let slots = (0..SLOTS).map(|_| Slot::new()).collect();
        let ring = Box::into_raw(Box::new(Ring { slots, lost: AtomicU64::new(0) }));
        let free = ptr::null_mut();
        if RING.compare_exchange(free, ring, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            // SAFETY: it was made above, and nothing else has it.
            drop(unsafe { Box::from_raw(ring) });
            return Err(io::Error::other("another CPU profile is being taken in this process"));
        }
        let sampler = Self(ring);
        install_handler()?;
        Ok(sampler)
    }

    /// Hands out the samples that are there, and makes room for others.
    pub(super) fn drain(&self, mut each: impl FnMut(&Sample)) {
        for slot in &self.ring().slots {
            if slot.state.load(Ordering::Acquire) == WRITTEN {
                // SAFETY: the handler writes to slots that are free, and this one is not.
                each(unsafe { &*slot.sample.get() });
                slot.state.store(FREE, Ordering::Release);
            }
        }
    }

    /// Samples for which there was no room.
    pub(super) fn lost(&self) -> u64 {
        self.ring().lost.load(Ordering::Relaxed)
    }

    fn ring(&self) -> &Ring {
        // SAFETY: the ring lives until this is dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        RING.store(ptr::null_mut(), Ordering::SeqCst);
        // A handler that has seen the ring is counted, and it takes microseconds.
        while RUNNING.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        // SAFETY: it is from `Box::into_raw`, and no handler uses it any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl Slot {
    fn new() -> Self {
        let stack = vec![0; STACK_BYTES].into_boxed_slice();
        let sample = Sample { thread: 0, registers: Registers::default(), stack, stack_bytes: 0 };
        Self { state: AtomicU8::new(FREE), sample: UnsafeCell::new(sample) }
    }
}

impl Sample {
    /// Eight bytes of the stack at this address, if they were copied.
    pub(super) fn stack_at(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.registers.stack)?).ok()?;
        let bytes = self.stack.get(..self.stack_bytes)?.get(at..)?.first_chunk()?;
        Some(u64::from_ne_bytes(*bytes))
    }
}

fn install_handler() -> io::Result<()> {
    // SAFETY: all fields are plain numbers, and the handler has the form that SA_SIGINFO asks for.
    let failed = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handle as *const () as usize;
        // System calls go on after it.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(libc::SIGPROF, &raw const action, ptr::null_mut())
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

extern "C" fn handle(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    let ring = RING.load(Ordering::SeqCst);
    if !ring.is_null() {
        // SAFETY: the ring is not freed while this handler is counted, and the system gives a
        // context of this type.
        unsafe {
            let errno = *libc::__errno_location();
            (*ring).take(&*context.cast::<libc::ucontext_t>());
            *libc::__errno_location() = errno;
        }
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
}

impl Ring {
    /// Copies where the calling thread was interrupted.
    fn take(&self, context: &libc::ucontext_t) {
        let take = |slot: &&Slot| {
            let (free, taken) = (Ordering::Acquire, Ordering::Relaxed);
            slot.state.compare_exchange(FREE, WRITING, free, taken).is_ok()
        };
        let Some(slot) = self.slots.iter().find(take) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        // SAFETY: whoever made it WRITING alone may write to it.
        let sample = unsafe { &mut *slot.sample.get() };
        // SAFETY: it has no conditions.
        sample.thread = unsafe { libc::gettid() };
        sample.registers = registers(context);
        sample.stack_bytes = copy_stack(sample.registers.stack, &mut sample.stack);
        slot.state.store(WRITTEN, Ordering::Release);
    }
}

/// Copies the stack from this address on, as far as it is there. Returns the number of bytes.
fn copy_stack(from: u64, copy: &mut [u8]) -> usize {
    let none = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
    let mut parts = [none; PARTS];
    let mut address = usize::try_from(from).unwrap_or_default();
    let mut left = copy.len();
    for part in &mut parts {
        let bytes = (PAGE_BYTES - address % PAGE_BYTES).min(left);
        *part = libc::iovec { iov_base: address as *mut c_void, iov_len: bytes };
        (address, left) = (address.wrapping_add(bytes), left - bytes);
    }
    let bytes = parts.iter().map(|part| part.iov_len).sum();
    let to = libc::iovec { iov_base: copy.as_mut_ptr().cast(), iov_len: bytes };
    // SAFETY: the system checks the addresses to read from, and `to` is as long as all parts.
    let copied = unsafe {
        let parts_count = PARTS as libc::c_ulong;
        libc::process_vm_readv(libc::getpid(), &raw const to, 1, parts.as_ptr(), parts_count, 0)
    };
    usize::try_from(copied).unwrap_or_default()
}

#[cfg(target_arch = "x86_64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let register = |index: c_int| {
        let at = usize::try_from(index).unwrap_or_default();
        context.uc_mcontext.gregs.get(at).map_or(0, |value| value.cast_unsigned())
    };
    Registers {
        instruction: register(libc::REG_RIP),
        stack: register(libc::REG_RSP),
        frame: register(libc::REG_RBP),
        link: 0,
    }
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    let [.., frame, link] = machine.regs;
    Registers { instruction: machine.pc, stack: machine.sp, frame, link }
}
