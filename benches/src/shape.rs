//! The keys and values of entries, the same for all stores and servers.

/// The sizes of key and value.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Bytes of a key. At least 16, so that all keys differ.
    pub key_bytes: usize,
    /// Bytes of a value.
    pub value_bytes: usize,
}

impl Shape {
    /// The sizes of an identifier and a short description.
    pub const USUAL: Self = Self { key_bytes: 36, value_bytes: 64 };

    /// The key of this number. Keys are scattered, as identifiers are.
    pub fn key(self, number: u64) -> String {
        repeated(scattered(number), self.key_bytes)
    }

    /// The value of this number.
    pub fn value(self, number: u64) -> String {
        repeated(scattered(!number), self.value_bytes)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} B + {} B", self.key_bytes, self.value_bytes)
    }
}

fn repeated(number: u64, bytes: usize) -> String {
    let mut text = format!("{number:016x}").repeat(bytes.div_ceil(16));
    text.truncate(bytes);
    text
}

/// Maps numbers one to one to other numbers: every step can be undone.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 32;
    mixed = mixed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
