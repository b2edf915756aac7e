//! The page that an operator's tools look at: `/metrics`, `/livez`, `/readyz`, on a thread of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use link::dialer::LinkState;
use telemetry::Page;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A bound address whose connections wait until it is served.
#[derive(Debug)]
pub struct Door {
    socket: TcpListener,
}

/// What the pages are made from.
#[derive(Debug, Clone)]
struct Pages {
    metrics: Arc<Page>,
    link: watch::Receiver<LinkState>,
}

impl Door {
    /// Binds the address.
    ///
    /// # Errors
    /// The system's word, as when another process has it.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's word.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves those metrics, and whether there is a link, until `stop`, on a new thread.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn serve(
        self,
        metrics: Arc<Page>,
        link: watch::Receiver<LinkState>,
        stop: CancellationToken,
    ) -> io::Result<JoinHandle<io::Result<()>>> {
        let routes = Router::new()
            .route("/metrics", get(show))
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(readyz))
            .with_state(Pages { metrics, link });
        thread::Builder::new().name("page".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(self.socket)?;
                // A client that keeps its connection open does not keep the process.
                tokio::select! {
                    served = async { axum::serve(listener, routes).await } => served,
                    () = stop.cancelled() => Ok(()),
                }
            })
        })
    }
}

async fn show(State(pages): State<Pages>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.text())
}

async fn readyz(State(pages): State<Pages>) -> impl IntoResponse {
    if *pages.link.borrow() == LinkState::Up {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: there is no link to the switch\n")
    }
}
