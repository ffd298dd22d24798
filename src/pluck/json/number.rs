//! Numbers by their text, which is exact where a double is not.
//!
//! Knows JSON's grammar of a number and no more.

/// A number that is no integer of 64 bits, as it is written in its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'d>(&'d str);

impl<'d> Number<'d> {
    pub(super) fn new(text: &'d str) -> Self {
        Self(text)
    }

    /// The text, as it is written.
    pub(crate) fn text(self) -> &'d str {
        self.0
    }

    /// The nearest double; infinite if the number is beyond all doubles.
    pub(crate) fn double(self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The number as a double, if the double says the same: if its shortest text is this number.
    ///
    /// An integer that is written in digits alone has more than 64 bits, or else it would be no
    /// [`Number`]. It is never a double, so that the type of an id does not depend on its digits.
    pub(crate) fn exact_double(self) -> Option<f64> {
        const DIGITS_OF_ANY_DOUBLE: usize = 15;
        let number = Decimal::parse(self.0)?;
        if number.is_integer_literal() {
            return None;
        }
        let double = self.double();
        let is_short = number.exponent == 0 && number.digit_count() <= DIGITS_OF_ANY_DOUBLE;
        let is_same = || {
            let shortest = format!("{double:?}");
            Decimal::parse(&shortest).is_some_and(|shortest| number.is_equal(&shortest))
        };
        (is_short || is_same()).then_some(double)
    }

    /// Writes the number with all its digits and without an exponent, so that equal numbers have
    /// equal texts; `None` if the text is longer than `max_bytes`.
    pub(crate) fn write_plain(self, text: &mut String, max_bytes: usize) -> Option<&str> {
        text.clear();
        Decimal::parse(self.0)?.write_plain(text, max_bytes)?;
        Some(text)
    }
}

/// A number in its parts.
#[derive(Debug, Clone, Copy)]
struct Decimal<'t> {
    is_negative: bool,
    /// The digits before the point.
    whole: &'t str,
    /// The digits after the point; empty if there is none.
    fraction: &'t str,
    /// The power of ten; 0 if none is written.
    exponent: i64,
    has_exponent: bool,
}

/// The digits that count, without zeros at both ends, and where the point is.
#[derive(Debug, Clone, Copy)]
struct Significant {
    /// Zeros before the first of them.
    leading: usize,
    /// How many there are; none if the number is 0.
    count: usize,
    /// How many of them stand before the point; negative if zeros stand between, and 0 if there
    /// are none.
    before_point: i128,
}

impl<'t> Decimal<'t> {
    /// `None` if the text is not a number to JSON's grammar.
    fn parse(text: &'t str) -> Option<Self> {
        let unsigned = text.strip_prefix('-');
        let (mantissa, exponent) = match unsigned.unwrap_or(text).split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(parse_exponent(exponent)?)),
            None => (unsigned.unwrap_or(text), None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let is_whole = is_digits(whole) && (whole == "0" || !whole.starts_with('0'));
        (is_whole && fraction.is_none_or(is_digits)).then_some(Self {
            is_negative: unsigned.is_some(),
            whole,
            fraction: fraction.unwrap_or_default(),
            exponent: exponent.unwrap_or(0),
            has_exponent: exponent.is_some(),
        })
    }

    fn is_integer_literal(&self) -> bool {
        self.fraction.is_empty() && !self.has_exponent
    }

    fn digit_count(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> + use<'t> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    fn significant(&self) -> Significant {
        let is_zero = |digit: &u8| *digit == b'0';
        let leading = self.digits().take_while(is_zero).count();
        let trailing = self.digits().rev().take_while(is_zero).count();
        let count = self.digit_count().saturating_sub(leading + trailing);
        if count == 0 {
            return Significant { leading, count, before_point: 0 };
        }
        let before_point = self.whole.len() as i128 - leading as i128 + i128::from(self.exponent);
        Significant { leading, count, before_point }
    }

    /// Whether both are the same number. A 0 has no sign.
    fn is_equal(&self, other: &Decimal<'_>) -> bool {
        let (own, others) = (self.significant(), other.significant());
        let digits = self.digits().skip(own.leading).take(own.count);
        let other_digits = other.digits().skip(others.leading).take(others.count);
        (self.is_negative == other.is_negative || own.count == 0)
            && own.before_point == others.before_point
            && digits.eq(other_digits)
    }

    fn write_plain(&self, text: &mut String, max_bytes: usize) -> Option<()> {
        let Significant { leading, count, before_point } = self.significant();
        let zeros_after = before_point - count as i128;
        // Before the zeros of a large exponent are written.
        if before_point.abs().max(count as i128) > max_bytes as i128 {
            return None;
        }
        let mut digits = self.digits().skip(leading).take(count).map(char::from);
        text.push_str(if self.is_negative && count > 0 { "-" } else { "" });
        if count == 0 {
            text.push('0');
        } else if before_point > 0 {
            text.extend(digits.by_ref().take(usize::try_from(before_point).ok()?));
            push_zeros(text, zeros_after);
            text.push_str(if zeros_after < 0 { "." } else { "" });
        } else {
            text.push_str("0.");
            push_zeros(text, -before_point);
        }
        text.extend(digits);
        (text.len() <= max_bytes).then_some(())
    }
}

fn push_zeros(text: &mut String, count: i128) {
    text.extend(std::iter::repeat_n('0', usize::try_from(count).unwrap_or(0)));
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The exponent after its letter. One of more digits than fit counts as the largest.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let size = is_digits(digits).then(|| digits.parse().unwrap_or(i64::MAX))?;
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, max_bytes: usize) -> Option<String> {
        let mut scratch = String::new();
        Number::new(text).write_plain(&mut scratch, max_bytes).map(ToOwned::to_owned)
    }

    #[test]
    fn a_number_is_written_with_all_its_digits_and_no_exponent() {
        for (text, expected) in [
            ("10.0", "10"),
            ("1e1", "10"),
            ("10e-1", "1"),
            ("0.10e1", "1"),
            ("-0.0", "0"),
            ("0e999999999999999999999", "0"),
            ("1.50", "1.5"),
            ("-1.5e-3", "-0.0015"),
            ("12.5e1", "125"),
            ("123.456e2", "12345.6"),
            ("1e21", "1000000000000000000000"),
            ("18446744073709551617", "18446744073709551617"),
            ("-9223372036854775809", "-9223372036854775809"),
            ("0.1000000000000000055", "0.1000000000000000055"),
        ] {
            assert_eq!(plain(text, 100).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_number_is_not_written_past_its_limit() {
        assert_eq!(plain("1e4", 5).as_deref(), Some("10000"));
        for text in ["1e5", "-1e4", "1.2345", "1e-4", "1e999999999", "1e99999999999999999999"] {
            assert_eq!(plain(text, 5), None, "{text}");
        }
        assert_eq!(plain("1e-99999999999999999999", 5), None);
    }

    #[test]
    fn a_double_stands_for_a_number_only_if_it_shows_the_same() {
        for text in ["1.0", "0.1", "-0.0", "1e21", "1.50", "5e-324", "1.7976931348623157e308"] {
            assert_eq!(Number::new(text).exact_double(), text.parse().ok(), "{text}");
        }
        for text in [
            "18446744073709551616",
            "1000000000000000000000",
            "0.1000000000000000055",
            "123456789012345678.5",
            "1e-400",
            "1e999",
            "-1e309",
            "5.1e-324",
        ] {
            assert_eq!(Number::new(text).exact_double(), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_to_json_is_none() {
        for text in
            ["", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "inf", "NaN", "1.e9", "0x1"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
