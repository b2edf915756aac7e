//! Why a request was not carried out, as an answer over HTTP says it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use switch_core::Denial;

/// A status, a sentence, and what else there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    status: StatusCode,
    sentence: String,
    more: Option<(&'static str, Value)>,
    allowed: Option<&'static str>,
}

impl Trouble {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into(), more: None, allowed: None }
    }

    /// The request cannot be read.
    pub(crate) fn malformed(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    /// No token, or nobody's.
    pub(crate) fn who() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no operator has this token; see [[operator]] in the configuration")
    }

    /// The operator may not do that.
    pub(crate) fn right(operator: &str, right: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("operator {operator} has not the right {right:?}"))
    }

    /// The path leads nowhere.
    pub(crate) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such page; see docs/operators.md")
    }

    /// Nobody may give commands at all.
    pub(crate) fn no_operators() -> Self {
        Self::new(StatusCode::NOT_FOUND, "this switch has no operators: its configuration has no [[operator]]")
    }

    /// The path is there, the method is another.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let sentence = format!("this page takes {allowed} only");
        Self { allowed: Some(allowed), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, sentence) }
    }

    /// The body is longer than anything that is asked for.
    pub(crate) fn too_long(most: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {most} bytes"))
    }

    /// What is named is not there.
    pub(crate) fn unknown(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, sentence)
    }

    /// It does not fit what is.
    pub(crate) fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, sentence)
    }

    /// The switch cannot answer now.
    pub(crate) fn unavailable(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// What is wrong, in a sentence without its full stop.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl From<Denial> for Trouble {
    fn from(denial: Denial) -> Self {
        let sentence = denial.to_string();
        match denial {
            Denial::Unknown(_) => Self::unknown(sentence),
            Denial::Conflict(_) => Self::conflict(sentence),
            Denial::Refused { number, text } => {
                let more = Some(("er", json!({ "number": number, "text": String::from_utf8_lossy(&text) })));
                Self { more, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, sentence) }
            }
            Denial::NotDurable => Self::unavailable(sentence),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.sentence });
        if let (Some((name, value)), Some(body)) = (self.more, body.as_object_mut()) {
            body.insert(name.to_owned(), value);
        }
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allowed) = self.allowed {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}
