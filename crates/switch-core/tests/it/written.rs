//! A message as a transcript writes it.

/// The bytes: `\r`, `\n`, `\x01` and `\xff` stand for themselves, `{1000*text}` for the text a thousand times.
pub(crate) fn bytes(written: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(written.len());
    let mut rest = written;
    let escapes = [("\\r", b'\r'), ("\\n", b'\n'), ("\\x01", 1), ("\\xff", 0xff)];
    while !rest.is_empty() {
        let mut characters = rest.chars();
        if let Some((after, byte)) = escapes.iter().find_map(|(sign, byte)| Some((rest.strip_prefix(sign)?, byte))) {
            out.push(*byte);
            rest = after;
        } else if let Some((count, text, after)) = repeated(rest) {
            out.extend_from_slice(text.repeat(count).as_bytes());
            rest = after;
        } else {
            out.extend(characters.next().unwrap().encode_utf8(&mut [0; 4]).bytes());
            rest = characters.as_str();
        }
    }
    out
}

fn repeated(text: &str) -> Option<(usize, &str, &str)> {
    let (count, rest) = text.strip_prefix('{')?.split_once('*')?;
    let (text, after) = rest.split_once('}')?;
    Some((count.parse().ok()?, text, after))
}
