//! Starts a listener: how many clients it serves at once, and each of them over a [`ClientStream`].
//!
//! `actix_web::HttpServer` does the same over a plain TCP stream and takes no other one.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error};

use crate::access::{self, AccessCheck, AllowedHosts};
use crate::routes::Routes;
use crate::scheme::Decrypted;
use crate::stream::ClientStream;
use crate::tls::ServerTls;
use crate::transport::Transport;
use crate::upgrade::{UpgradeFactory, Upgrades};
use crate::{Problem, Timeouts, exchange, problem, request_id};

/// How long an idle client keeps its connection after an answer. Shorter than [`Timeouts::request`], so that it is closed
/// in order.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the bytes of a request that was answered early are still read, so that the client sees its answer.
const LINGER: Duration = Duration::from_secs(1);

/// The bounds of one listener.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// Its name in the log.
    pub name: &'static str,
    /// Clients served at once. The others wait in the kernel, where they are no open files of this process.
    pub connections: usize,
    /// How long each of them is waited for.
    pub timeouts: Timeouts,
    /// Names that requests may have in `Host`, besides addresses and `localhost`, with web pages of another origin refused.
    /// `None` serves every name and every page.
    pub hosts: Option<Vec<String>>,
    /// With TLS, if it is to be. In the clear nothing is answered then.
    pub tls: Option<ServerTls>,
    /// Takes over the connections of clients that ask for a WebSocket. Without one such a request is one like any other.
    pub upgrades: Option<UpgradeFactory>,
}

/// Serves these routes to those whom `access` admits. `routes` is called each time the HTTP server starts. The thread is one of its own: operators and probes ask little. The HTTP server
/// starts it again if it fails.
///
/// # Errors
/// The operating system refuses the listener or the thread.
pub fn serve(
    settings: ListenerSettings,
    listener: TcpListener,
    access: AccessCheck,
    routes: impl Fn() -> Routes + Clone + Send + 'static,
) -> io::Result<Server> {
    let ListenerSettings {
        name,
        connections,
        timeouts,
        hosts,
        tls,
        upgrades,
    } = settings;
    let hosts = AllowedHosts(hosts.map(Arc::from));
    let builder = Server::build()
        .workers(1)
        .max_concurrent_connections(connections)
        .disable_signals()
        .shutdown_timeout(1);
    let shutdown = builder.graceful_shutdown_signal();
    let builder = builder.listen(name, listener, move || {
        let shutdown = shutdown.clone();
        let routes = routes();
        let (checked, unknown) = (access.clone(), access.clone());
        let application = App::new()
            .wrap(from_fn(access::check_host))
            .wrap(from_fn(request_id::identify))
            // The last one is the first to see a request.
            .wrap(from_fn(exchange::track))
            .app_data(hosts.clone())
            .configure(problem::refusals_of_extractors)
            .configure(move |service| routes.add_to(service, &checked))
            .default_service(unknown.answer(Problem::no_such_resource()))
            .into_factory()
            .map_err(|error: Error| error.error_response());
        let upgrades = upgrades.as_ref().map(|factory| Upgrades {
            handler: factory.make(),
            hosts: hosts.clone(),
            response_timeout: timeouts.response,
        });
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(timeouts.request.min(KEEP_ALIVE))
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &ClientStream, data| {
                data.insert(stream.exchange());
                if stream.transport().is_tls() {
                    data.insert(Decrypted);
                }
            })
            .finish(map_config(application, |()| AppConfig::default()))
            .upgrade(upgrades.map(|upgrades| {
                fn_service(move |(request, framed)| upgrades.clone().hand_over(request, framed))
            }));
        let tls = tls.clone();
        fn_service(move |tcp: TcpStream| {
            // Otherwise an event of a stream waits for the ACK of the one before it, which clients delay by 40 ms. Where it
            // cannot be set, that is all that happens.
            let _ = tcp.set_nodelay(true);
            let tls = tls.clone();
            async move {
                let transport = match tls {
                    Some(tls) => tls.accept(tcp, timeouts.request).await?,
                    None => Transport::Plain(tcp),
                };
                let peer = transport.peer();
                let stream = ClientStream::new(transport, timeouts);
                Ok((stream, Protocol::Http1, peer))
            }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
