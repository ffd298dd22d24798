//! Which of the containers that are open around a place are objects: one bit for each.

/// The containers that are open, outermost first. Its memory is reused.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// The bits of all but the innermost 64 at most.
    outer: Vec<u64>,
    inner: u64,
    depth: usize,
}

const BITS: usize = u64::BITS as usize;

impl Nesting {
    /// Opens a container.
    #[inline]
    pub(super) fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(BITS) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(is_object);
        self.depth += 1;
    }

    /// Closes the innermost container. Returns whether it was an object; `None` if none is open.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<bool> {
        self.depth = self.depth.checked_sub(1)?;
        let is_object = self.inner & 1 == 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(BITS) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
        Some(is_object)
    }

    /// Closes all.
    pub(super) fn clear(&mut self) {
        self.outer.clear();
        self.depth = 0;
    }

    /// The bytes that are allocated.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.outer.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_close_in_the_reverse_of_the_order_in_which_they_opened() {
        let kinds: Vec<bool> = (0..1_000).map(|number| number * number % 7 < 3).collect();
        let mut nesting = Nesting::default();
        for depth in [1, 63, 64, 65, 128, 129, 1_000] {
            kinds[..depth].iter().for_each(|&is_object| nesting.push(is_object));
            for &is_object in kinds[..depth].iter().rev() {
                assert_eq!(nesting.pop(), Some(is_object));
            }
            assert_eq!(nesting.pop(), None);
        }
    }

    #[test]
    fn what_was_left_open_is_forgotten() {
        let mut nesting = Nesting::default();
        (0..200).for_each(|_| nesting.push(true));
        nesting.clear();
        nesting.push(false);
        assert_eq!((nesting.pop(), nesting.pop()), (Some(false), None));
    }
}
