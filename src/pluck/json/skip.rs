//! Goes past whole values, of any depth, without recursion.
#![expect(clippy::inline_always, reason = "code for a processor's vectors takes in no other calls")]

use super::cursor::{Cursor, Invalid};
use super::nesting::Nesting;
use super::scan::Scan;

/// What ended the items of a container.
enum End {
    /// One of them is a container itself, and begins here.
    Opened { is_object: bool },
    /// The closing bracket.
    Closed,
}

impl<S: Scan> Cursor<'_, S> {
    /// Goes past a value that begins here, with `first`.
    #[inline(always)]
    pub(super) fn pass_value(&mut self, first: u8, nesting: &mut Nesting) -> Result<(), Invalid> {
        match first {
            b'{' | b'[' => self.pass_container(first == b'{', nesting),
            _ => self.pass_scalar(first),
        }
    }

    /// Goes past a container with all that it contains.
    #[inline(always)]
    fn pass_container(&mut self, is_object: bool, nesting: &mut Nesting) -> Result<(), Invalid> {
        nesting.clear();
        let (mut is_object, mut is_new) = (is_object, true);
        loop {
            let end = if is_object {
                self.pass_items::<true>(is_new)?
            } else {
                self.pass_items::<false>(is_new)?
            };
            match end {
                End::Opened { is_object: is_inner_object } => {
                    nesting.push(is_object);
                    (is_object, is_new) = (is_inner_object, true);
                }
                End::Closed => match nesting.pop() {
                    Some(is_outer_object) => (is_object, is_new) = (is_outer_object, false),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Goes past the items of a container: from its opening bracket if the container is new, or else
    /// from behind one of them.
    #[inline(always)]
    fn pass_items<const IS_OBJECT: bool>(&mut self, is_new: bool) -> Result<End, Invalid> {
        let closing = if IS_OBJECT { b'}' } else { b']' };
        let mut is_more =
            if is_new { self.pass_opening(closing) } else { self.pass_separator(closing)? };
        while is_more {
            if IS_OBJECT {
                self.pass_name()?;
            }
            let first = self.seek_token();
            if matches!(first, b'{' | b'[') {
                return Ok(End::Opened { is_object: first == b'{' });
            }
            self.pass_scalar(first)?;
            is_more = self.pass_separator(closing)?;
        }
        Ok(End::Closed)
    }
}
