//! What keys and values look like, alike for all that hold them.

/// How large they are.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// At least 16, so that no two are the same.
    pub key_bytes: usize,
    /// Any number.
    pub value_bytes: usize,
}

impl Shape {
    /// As an identifier and a short description.
    pub const USUAL: Self = Self { key_bytes: 36, value_bytes: 64 };

    /// Scattered, as identifiers are.
    pub fn key(self, number: u64) -> String {
        repeated(scattered(number), self.key_bytes)
    }

    /// The value under that key.
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

/// Another number for each number: every step can be undone.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 32;
    mixed = mixed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
