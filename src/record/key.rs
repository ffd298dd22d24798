//! Keys: text that is never empty, owned or borrowed.
//!
//! An empty key is refused where a key is made, here, so nothing that is given a key
//! checks it again.

/// The key of an entry, in an allocation of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Copies `text` into an allocation of exactly its size; `None` if it is empty.
    pub fn copy_of(text: &str) -> Option<Self> {
        KeyRef::new(text).map(KeyRef::copy)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key, borrowed.
    pub fn as_key_ref(&self) -> KeyRef<'_> {
        KeyRef(&self.0)
    }
}

/// Lets a map with [`Key`]s be searched by a `&str`.
impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A borrowed [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef<'a>(&'a str);

impl<'a> KeyRef<'a> {
    /// `text` as a key; `None` if it is empty.
    pub fn new(text: &'a str) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    /// The key as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Copies it into an allocation of exactly its size.
    pub fn copy(self) -> Key {
        Key(self.0.into())
    }
}

/// Memory for one key, reused for the next.
#[derive(Debug, Default)]
pub struct KeyBuffer(String);

impl KeyBuffer {
    /// Copies `text` over the key before it; `None` if `text` is empty.
    pub fn copy(&mut self, text: &str) -> Option<KeyRef<'_>> {
        self.0.clear();
        self.0.push_str(text);
        KeyRef::new(&self.0)
    }

    /// The bytes that are allocated.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
