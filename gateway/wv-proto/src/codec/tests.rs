//! Documents as a whole: worked examples, random documents and random octets.

mod arbitrary;
mod example;

/// Reads hexadecimal digits with blanks between them.
fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
