//! Sizes as command-line arguments.

/// Parses a number of bytes: `500`, `3GB`, `256MiB`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_bytes = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(format!("{unit:?} is no unit; write it as in 256MiB or 3GB")),
    };
    let number: u64 = number.parse().map_err(|error| format!("{number:?}: {error}"))?;
    number.checked_mul(unit_bytes).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_or_are_bytes() {
        for (text, bytes) in [("0", 0), ("12B", 12), ("3GB", 3_000_000_000), ("256MiB", 256 << 20)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for broken in ["", "MiB", "1.5GB", "-1", "7 MiB", "99999999999GiB"] {
            assert!(parse_size(broken).is_err(), "{broken}");
        }
    }
}
