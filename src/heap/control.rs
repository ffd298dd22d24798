//! jemalloc's control interface: named values that are read, written or called.
//!
//! A name that jemalloc does not know is a mistake in this crate, and the tests of this module
//! find it. At run time such a value reads as none: no service stops for its statistics.

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use tikv_jemalloc_sys::mallctl;

/// Arena number 4096 means all arenas.
pub(super) const PURGE_ALL: &CStr = c"arena.4096.purge";

/// The types of jemalloc's values: plain numbers, for which every bit pattern is valid.
pub(super) trait Number: Copy + Default {}
/// Its flags are bytes that are 0 or 1.
impl Number for u8 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for usize {}

/// Reads a value.
#[expect(unsafe_code, reason = "hands jemalloc a value's place with its size, which it checks")]
pub(super) fn get<T: Number>(name: &CStr) -> Option<T> {
    let mut value = T::default();
    let mut size = size_of::<T>();
    let place: *mut c_void = (&raw mut value).cast();
    let failed = unsafe { mallctl(name.as_ptr(), place, &raw mut size, ptr::null_mut(), 0) };
    (failed == 0).then_some(value)
}

/// Writes a value.
#[expect(unsafe_code, reason = "hands jemalloc a value's place with its size, which it checks")]
pub(super) fn set<T: Number>(name: &CStr, mut value: T) {
    let place: *mut c_void = (&raw mut value).cast();
    let none = ptr::null_mut();
    unsafe { mallctl(name.as_ptr(), none, ptr::null_mut(), place, size_of::<T>()) };
}

/// Writes a text, such as the path of a file. False when jemalloc could not do what it means.
#[expect(
    unsafe_code,
    reason = "hands jemalloc a pointer to a text that ends and outlives the call"
)]
pub(super) fn set_text(name: &CStr, text: &CStr) -> bool {
    let mut value = text.as_ptr();
    let place: *mut c_void = (&raw mut value).cast();
    let none = ptr::null_mut();
    unsafe { mallctl(name.as_ptr(), none, ptr::null_mut(), place, size_of_val(&value)) == 0 }
}

/// Calls an action without a value.
#[expect(unsafe_code, reason = "hands jemalloc no place at all")]
pub(super) fn call(name: &CStr) {
    let none = ptr::null_mut();
    unsafe { mallctl(name.as_ptr(), none, ptr::null_mut(), none, 0) };
}

/// Makes jemalloc take its statistics anew.
pub(super) fn refresh_statistics() {
    // What is written does not matter.
    set(c"epoch", 1_u64);
}

/// What is allocated from an arena, rounded up to size classes.
pub(super) fn allocated_bytes(arena: u32) -> u64 {
    arena_bytes(arena, "small.allocated") + arena_bytes(arena, "large.allocated")
}

/// What is in pages of an arena that may be resident.
pub(super) fn resident_bytes(arena: u32) -> u64 {
    arena_bytes(arena, "resident")
}

fn arena_bytes(arena: u32, what: &str) -> u64 {
    let name = CString::new(format!("stats.arenas.{arena}.{what}")).unwrap_or_default();
    get::<usize>(&name).map_or(0, |bytes| bytes as u64)
}
