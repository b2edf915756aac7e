//! The admin page, on a thread of its own: `/metrics`, `/livez`, `/readyz`, and below `/api/` what operators ask.

pub(crate) mod api;
pub(crate) mod ask;
mod audit;
pub(crate) mod trouble;
pub(crate) mod view;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use self::api::Desk;
pub(crate) use self::audit::Audited;
use crate::health::Health;

/// What the pages are made from.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
}

/// A bound address whose connections wait until it is served.
#[derive(Debug)]
pub(crate) struct Admin {
    socket: TcpListener,
}

impl Admin {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop`, on a new thread.
    pub(crate) fn serve(
        self,
        pages: Pages,
        desk: Desk,
        stop: CancellationToken,
    ) -> io::Result<JoinHandle<io::Result<()>>> {
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(pages)
            .merge(Router::new().route("/api/{*path}", any(api::answer)).with_state(desk))
            .into_make_service_with_connect_info::<SocketAddr>();
        thread::Builder::new().name("admin".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(self.socket)?;
                let server = axum::serve(listener, routes);
                // A client that keeps its connection open does not keep the process.
                tokio::select! {
                    served = server => served,
                    () = stop.cancelled() => Ok(()),
                }
            })
        })
    }
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.text())
}

async fn livez(State(pages): State<Pages>) -> impl IntoResponse {
    if pages.health.is_alive() {
        (StatusCode::OK, "alive\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the switch makes no progress\n")
    }
}

async fn readyz(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.health.why_not_ready() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}
