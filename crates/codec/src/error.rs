//! The one error of reading legacy text: where it went wrong and in which part, never what stood there.

/// Why bytes are not what they should be.
///
/// It holds no text of the input, so that it can be logged: a body is about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} at byte {offset}: {rule}")]
pub struct DecodeError {
    /// Where in the input the part begins, in bytes.
    pub offset: usize,
    /// The part that could not be read.
    pub field: &'static str,
    /// What the part has to be.
    pub rule: &'static str,
}
