//! Pages of lists: how many items they have, and the tokens that say where the next one begins.
//!
//! A token is opaque to callers. It is bound to its list and to what the list is about, so that one
//! that was cut, changed, or taken from another list is refused. It means the last item of a page;
//! how items are numbered, each list knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use tonic::Status;
use tonic_types::FieldViolation;

use super::validation::validate;

/// Most items in one page of any list. Stated in the protocol.
const MAX_PAGE_SIZE: usize = 1_000;

/// The field with a token for a page.
pub(super) const PAGE_TOKEN: &str = "page_token";

/// A list that has pages, and the table that it is about: empty for all tables.
#[derive(Debug, Clone, Copy)]
pub(super) enum List<'a> {
    Tables,
    LargestEntries(&'a str),
    Rejections(&'a str),
    /// The entries of a table whose keys begin with a prefix.
    Scan(&'a str, &'a str),
    /// The changes of a table whose keys begin with a prefix.
    Watch(&'a str, &'a str),
}

/// An item of a list: its number there, and its key if items have equal numbers.
pub(super) type Place = (u64, String);

/// What a caller asks for of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    /// Most items of the page.
    pub(super) size: usize,
    /// The page begins after this item; none for the first page.
    pub(super) after: Option<Place>,
}

impl PageRequest {
    /// Reads the two fields that ask for a page. A size of zero means `default_size`, and too large a
    /// size means the largest.
    pub(super) fn of(
        list: List<'_>,
        (page_size, page_token): (i32, &str),
        default_size: usize,
    ) -> Result<Self, Status> {
        let size = usize::try_from(page_size).ok();
        let (after, broken) = place_of(list, (PAGE_TOKEN, page_token));
        validate([size_violation(page_size), broken])?;
        let size = size.filter(|size| *size > 0).unwrap_or(default_size);
        Ok(Self { size: size.min(MAX_PAGE_SIZE), after })
    }
}

/// The item that the token in this field means; none if it is empty, which means the beginning.
pub(super) fn token_place(
    list: List<'_>,
    (field, token): (&str, &str),
) -> Result<Option<Place>, Status> {
    let (after, broken) = place_of(list, (field, token));
    validate([broken])?;
    Ok(after)
}

/// The same, or the violation.
fn place_of(
    list: List<'_>,
    (field, token): (&str, &str),
) -> (Option<Place>, Option<FieldViolation>) {
    let after = (!token.is_empty()).then(|| parse(list, token));
    let broken = matches!(after, Some(None)).then(|| broken_token(field));
    (after.flatten(), broken)
}

/// The token for the page that begins after an item.
pub(super) fn token_after(list: List<'_>, (number, key): (u64, &str)) -> String {
    let sum = checksum(list, number, key).to_be_bytes();
    BASE64.encode([&sum, &number.to_be_bytes()[..], key.as_bytes()].concat())
}

fn parse(list: List<'_>, token: &str) -> Option<Place> {
    let bytes = BASE64.decode(token).ok()?;
    let (sum, place) = bytes.split_first_chunk()?;
    let (number, key) = place.split_first_chunk()?;
    let (number, key) = (u64::from_be_bytes(*number), std::str::from_utf8(key).ok()?);
    let is_whole = u32::from_be_bytes(*sum) == checksum(list, number, key);
    is_whole.then(|| (number, key.to_owned()))
}

fn size_violation(page_size: i32) -> Option<FieldViolation> {
    (page_size < 0).then(|| FieldViolation::new("page_size", "must not be negative"))
}

fn broken_token(field: &str) -> FieldViolation {
    let rule = "must be empty, or the token that came in a response to the same request";
    FieldViolation::new(field, rule)
}

/// FNV-1a. It finds mistakes; nobody gains anything by a token that is made up.
fn checksum(list: List<'_>, number: u64, key: &str) -> u32 {
    let (kind, table, prefix) = match list {
        List::Tables => (1, "", ""),
        List::LargestEntries(table) => (2, table, ""),
        List::Rejections(table) => (3, table, ""),
        List::Scan(table, prefix) => (4, table, prefix),
        List::Watch(table, prefix) => (5, table, prefix),
    };
    let number = number.to_be_bytes();
    let of_list = [&[kind], table.as_bytes(), &[0xff], prefix.as_bytes(), &[0xff]];
    let parts = of_list.into_iter().chain([&number[..], key.as_bytes()]);
    let bytes = parts.flatten();
    bytes.fold(0x811c_9dc5, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: List<'_> = List::LargestEntries("services");

    fn after(list: List<'_>, token: &str) -> Option<Place> {
        PageRequest::of(list, (1, token), 20).ok()?.after
    }

    #[test]
    fn a_token_gives_back_its_place_and_shows_nothing_of_it() {
        let token = token_after(LARGEST, (7, "a key"));
        assert!(!token.contains("key"), "{token}");
        assert_eq!(after(LARGEST, &token), Some((7, "a key".to_owned())));
        let first = PageRequest { size: 1, after: None };
        assert_eq!(PageRequest::of(LARGEST, (1, ""), 20).unwrap(), first);
    }

    #[test]
    fn a_token_that_is_cut_changed_or_from_another_list_is_refused() {
        let whole = token_after(LARGEST, (7, "a key"));
        let (cut, changed) = (&whole[..whole.len() - 1], format!("A{}", &whole[1..]));
        for broken in [cut, &changed, "AAAA", "not base64", "\u{2603}", "7 a key"] {
            assert!(PageRequest::of(LARGEST, (1, broken), 20).is_err(), "{broken:?}");
        }
        for other in [List::Rejections("services"), List::LargestEntries("s"), List::Tables] {
            assert!(PageRequest::of(other, (1, &whole), 20).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_page_size_is_coerced_and_only_a_negative_one_refused() {
        let size = |asked| Some(PageRequest::of(LARGEST, (asked, ""), 20).ok()?.size);
        assert_eq!([0, 1, 1_000, i32::MAX].map(size), [20, 1, 1_000, 1_000].map(Some));
        assert_eq!(size(-1), None);
    }
}
