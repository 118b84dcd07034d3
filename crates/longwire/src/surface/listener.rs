//! A listener: how many clients it serves at once, and each of them over a [`ClientStream`].
//!
//! `actix_web::HttpServer` does the same over a plain TCP stream and has no place for another one.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request, Response};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, Service};
use actix_web::rt::net::TcpStream;
use std::future::ready;

use super::client::{ClientStream, Patience};

/// How long an idle client keeps its connection after an answer. Shorter than [`Patience::request`], so that it is closed
/// in order.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the bytes of a request that was answered early are still read, so that the client sees its answer.
const LINGER: Duration = Duration::from_secs(1);

/// Serves the application that `factory` makes to at most `connections` clients at once. The others wait in the kernel,
/// where they are no open files of ours. One thread: operators and probes ask little.
pub(super) fn serve<F, I, S, B>(
    name: &str,
    listener: TcpListener,
    connections: usize,
    patience: Patience,
    factory: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let builder = Server::build()
        .workers(1)
        .max_concurrent_connections(connections)
        .disable_signals()
        .shutdown_timeout(1);
    let shutdown = builder.graceful_shutdown_signal();
    let builder = builder.listen(name, listener, move || {
        let shutdown = shutdown.clone();
        let application = factory().into_factory();
        let application = application.map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(patience.request.min(KEEP_ALIVE))
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &ClientStream, data| {
                data.insert(stream.exchange());
            })
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(move |tcp: TcpStream| {
            let peer = tcp.peer_addr().ok();
            ready(Ok((
                ClientStream::new(tcp, patience),
                Protocol::Http1,
                peer,
            )))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
