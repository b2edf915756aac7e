//! The operators' pages: who asks, whether they may, and what the driver says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::ask::{Ask, Audit};
use super::audit::Audited;
use super::trouble::Trouble;
use crate::driver::Inbound;
use crate::operators::Operators;

/// The longest body: a message of the greatest length in JSON, each byte escaped.
const BODY_BYTES_MAX: usize = 4 << 20;
/// How long the driver may take: longer than a disk that is slow, and than the reading of a large configuration.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Who asks, where nobody knows.
pub(crate) const NOBODY: &str = "nobody";

/// What the operators' pages work with.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) operators: Arc<ArcSwap<Operators>>,
    pub(crate) driver: mpsc::Sender<Inbound>,
    pub(crate) audited: Arc<Audited>,
}

/// What an operator wants of the driver.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) who: String,
    pub(crate) from: String,
    pub(crate) ask: Ask,
    /// Where the answer goes; nobody may be waiting any more.
    pub(crate) answer: Answer,
}

/// The way back to who asked.
pub(crate) type Answer = oneshot::Sender<Result<Value, Trouble>>;

/// Every path below `/api/`.
pub(crate) async fn answer(
    State(desk): State<Desk>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    match desk.answer(from, request).await {
        Ok(value) => ([(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response(),
        Err(trouble) => trouble.into_response(),
    }
}

impl Desk {
    async fn answer(&self, from: SocketAddr, request: Request) -> Result<Value, Trouble> {
        let operators = self.operators.load_full();
        if operators.is_empty() {
            return Err(Trouble::no_operators());
        }
        let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim().to_owned();
        let Some(operator) = operators.who(&token) else {
            self.tell_stranger(from).await;
            return Err(Trouble::who());
        };
        let (who, from) = (operator.name().to_owned(), from.to_string());
        let ask = match read(request).await {
            Ok(ask) => ask,
            Err(trouble) => {
                // What was wrong with it may be a text of a message: the journal hears no more than that.
                self.tell(
                    &who,
                    &from,
                    "a request that cannot be read",
                    format!("refused: status {}", trouble.status()),
                )
                .await;
                return Err(trouble);
            }
        };
        // The body may have been long in coming: the token and its rights count as they are now.
        let operators = self.operators.load_full();
        let Some(operator) = operators.who(&token).filter(|now| now.name() == who) else {
            self.tell(&who, &from, &ask.told(), "refused: its token was revoked meanwhile".to_owned()).await;
            return Err(Trouble::who());
        };
        if let Some(right) = ask.right()
            && !operator.may(right)
        {
            let trouble = Trouble::right(&who, right.as_str());
            self.tell(&who, &from, &ask.told(), format!("refused: {}", trouble.sentence())).await;
            return Err(trouble);
        }
        if ask == Ask::Myself {
            let rights: Vec<_> = operator.rights().iter().map(|right| right.as_str()).collect();
            return Ok(json!({ "operator": who, "rights": rights }));
        }
        let (told, audit) = (ask.told(), ask.audit());
        let answered = self.ask(who.clone(), from.clone(), ask).await;
        let due = match audit {
            Audit::ByCore => false,
            Audit::Always => true,
            Audit::OnceAMinute => answered.is_err() || self.audited.is_due(&who, &told, Instant::now()),
        };
        if due {
            let result = match &answered {
                Ok(_) => "shown".to_owned(),
                Err(trouble) => format!("refused: {}", trouble.sentence()),
            };
            self.tell(&who, &from, &told, result).await;
        }
        answered
    }

    async fn ask(&self, who: String, from: String, ask: Ask) -> Result<Value, Trouble> {
        let (answer, answered) = oneshot::channel();
        let gone = || Trouble::unavailable("the switch is going down");
        self.driver.send(Inbound::Asked(Asked { who, from, ask, answer })).await.map_err(|_| gone())?;
        match tokio::time::timeout(ANSWER_MAX, answered).await {
            Ok(answered) => answered.map_err(|_| gone())?,
            Err(_) => {
                let sentence = "no answer in a minute: it may still be done; look with `orinet journal export`";
                Err(Trouble::unavailable(sentence))
            }
        }
    }

    async fn tell_stranger(&self, from: SocketAddr) {
        let Some(untold) = self.audited.stranger(Instant::now()) else { return };
        let more = if untold > 0 { format!(", and {untold} more before it") } else { String::new() };
        let result = format!("refused: no operator has its token{more}");
        self.tell(NOBODY, &from.to_string(), "a request to the operators' pages", result).await;
    }

    async fn tell(&self, who: &str, from: &str, what: &str, result: String) {
        let (who, from, what) = (who.to_owned(), from.to_owned(), what.to_owned());
        // The driver is gone only when the process ends.
        drop(self.driver.send(Inbound::Act { who, from, what, result }).await);
    }
}

async fn read(request: Request) -> Result<Ask, Trouble> {
    let (parts, body): (_, Body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Trouble::too_long(BODY_BYTES_MAX))?;
    let path = parts.uri.path().strip_prefix("/api/").unwrap_or_default();
    Ask::parse(parts.method.as_str(), path, parts.uri.query().unwrap_or_default(), &body)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::operators::{Operator, Right, TokenHash};

    /// What the driver hears of a request whose body comes only after `then` was done to the operators.
    fn heard(then: impl FnOnce(&ArcSwap<Operators>) + Send + 'static) -> Inbound {
        let operator = Operator::new("desk".to_owned(), TokenHash::of("abc"), vec![Right::Look]);
        let operators = Arc::new(ArcSwap::from_pointee(Operators::new(vec![operator])));
        let (driver, mut inbound) = mpsc::channel(4);
        let desk = Desk { operators: Arc::clone(&operators), driver, audited: Arc::default() };
        let body = futures::stream::once(async move {
            then(&operators);
            Ok::<_, std::convert::Infallible>(Bytes::new())
        });
        let request = Request::builder().uri("/api/stations").header(header::AUTHORIZATION, "Bearer abc");
        let request = request.body(Body::from_stream(body)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                heard = inbound.recv() => heard.unwrap(),
                _ = desk.answer(([127, 0, 0, 1], 1).into(), request) => inbound.try_recv().unwrap(),
            }
        })
    }

    #[test]
    fn a_token_revoked_while_the_body_comes_is_not_honoured() {
        assert!(matches!(heard(|_| ()), Inbound::Asked(_)), "a token that stays is");
        let gone = heard(|operators| operators.store(Arc::new(Operators::default())));
        assert!(matches!(gone, Inbound::Act { result, .. } if result.contains("revoked")));
    }
}
