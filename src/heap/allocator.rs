//! The global allocator: jemalloc, with the account that the running work is charged to.
//!
//! Work that is charged bypasses the thread's cache when it allocates and when it frees: the
//! cache mixes memory of different arenas, and a charge must reach its own. Nothing here may
//! allocate or take a lock.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};

use tikv_jemalloc_sys as jemalloc;

/// - `narenas:1`: threads that adopt no account share the first arena, and so do the
///   threads that librdkafka starts.
/// - `background_thread`, `dirty_decay_ms`, `muzzy_decay_ms`: freed pages return to the
///   system within about a second, also where nothing allocates any more.
/// - `oversize_threshold:0`: large allocations stay in their account's arena.
/// - `thp:never`: huge pages would keep memory resident in which nothing is allocated.
/// - `prof`, `prof_active`, `lg_prof_sample`: the profiler is there and off. When it is turned on, it
///   takes a sample for each MiB that is allocated.
#[repr(transparent)]
struct Options(*const c_char);

#[expect(unsafe_code, reason = "the pointer is to a constant")]
unsafe impl Sync for Options {}

#[expect(unsafe_code, reason = "the name under which jemalloc looks for its options")]
#[unsafe(export_name = "malloc_conf")]
static OPTIONS: Options = Options(
    c"narenas:1,background_thread:true,max_background_threads:1,dirty_decay_ms:1000,\
      muzzy_decay_ms:0,oversize_threshold:0,thp:never,prof:true,prof_active:false,lg_prof_sample:20"
        .as_ptr(),
);

thread_local! {
    /// jemalloc's flags for the account that the thread's work is charged to; 0 for none.
    static CHARGE: Cell<c_int> = const { Cell::new(0) };
}

/// Charges what the thread allocates to an arena, until it is dropped.
pub(super) struct Charge {
    before: c_int,
}

impl Charge {
    pub(super) fn to(arena: u32) -> Self {
        let flags = jemalloc::MALLOCX_ARENA(arena as usize) | jemalloc::MALLOCX_TCACHE_NONE;
        Self { before: CHARGE.replace(flags) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        CHARGE.set(self.before);
    }
}

/// Every allocation of at least this size is aligned to it.
const NATURAL_ALIGN: usize = 16;

fn flags(align: usize, size: usize) -> c_int {
    let charge = CHARGE.get();
    if align <= NATURAL_ALIGN && align <= size {
        return charge;
    }
    charge | jemalloc::MALLOCX_ALIGN(align)
}

/// The size of the class that jemalloc serves a request of `bytes` from.
#[expect(unsafe_code, reason = "it touches no memory")]
pub(super) fn rounded_up(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { unsafe { jemalloc::nallocx(bytes, 0) } }
}

pub(super) struct Allocator;

#[expect(unsafe_code, reason = "the trait is; each call passes its caller's promises to jemalloc")]
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout.align(), layout.size());
        let memory: *mut c_void = if flags == 0 {
            unsafe { jemalloc::malloc(layout.size()) }
        } else {
            unsafe { jemalloc::mallocx(layout.size(), flags) }
        };
        memory.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout.align(), layout.size());
        let memory: *mut c_void = if flags == 0 {
            unsafe { jemalloc::calloc(1, layout.size()) }
        } else {
            unsafe { jemalloc::mallocx(layout.size(), flags | jemalloc::MALLOCX_ZERO) }
        };
        memory.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // jemalloc frees to the arena that the memory came from, whatever arena the flags name.
        let flags = flags(layout.align(), layout.size());
        unsafe { jemalloc::sdallocx(memory.cast(), layout.size(), flags) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let flags = flags(layout.align(), new_size);
        let memory: *mut c_void = if flags == 0 {
            unsafe { jemalloc::realloc(memory.cast(), new_size) }
        } else {
            unsafe { jemalloc::rallocx(memory.cast(), new_size, flags) }
        };
        memory.cast()
    }
}
