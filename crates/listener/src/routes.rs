//! The routes of a listener, each with what it needs of its caller.
//!
//! A handler gets onto a listener through [`Routes`] alone, and each of its lines names a scope or says that the route is
//! open. So a route without a check cannot be written by accident, and [`Routes::list`] is the whole of what there is.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route};
use longwire_access::Scope;

use crate::access::{AccessCheck, RouteAccess, RouteClass};
use crate::problem::Problem;

/// A route as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRoute {
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// What it needs.
    pub access: RouteAccess,
}

/// Adds what handlers take as [`Data`].
type AddData = Box<dyn FnOnce(&mut ServiceConfig)>;

/// The routes of a listener, in the order in which they are tried.
#[derive(Default)]
pub struct Routes {
    routes: Vec<(ListedRoute, Route)>,
    data: Vec<AddData>,
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With what handlers take as [`Data`].
    pub fn with<T: 'static>(mut self, data: Data<T>) -> Self {
        self.data.push(Box::new(move |config| {
            config.app_data(data);
        }));
        self
    }

    /// `GET` of something that anybody who reaches the listener may see.
    pub fn open<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.route(Method::GET, path, RouteAccess::Open, handler)
    }

    /// `GET` of something.
    pub fn get<F, Args>(self, path: &'static str, scope: Scope, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let class = RouteClass::Read;
        let access = RouteAccess::Scope { scope, class };
        self.route(Method::GET, path, access, handler)
    }

    /// `POST` that changes or sends something.
    pub fn post<F, Args>(self, path: &'static str, scope: Scope, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let class = RouteClass::Write;
        let access = RouteAccess::Scope { scope, class };
        self.route(Method::POST, path, access, handler)
    }

    /// Any other route.
    pub fn route<F, Args>(
        mut self,
        method: Method,
        path: &'static str,
        access: RouteAccess,
        handler: F,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        let listed = ListedRoute {
            method,
            path,
            access,
        };
        self.routes.push((listed, route));
        self
    }

    /// These, then those of another crate.
    pub fn and(mut self, others: Self) -> Self {
        self.routes.extend(others.routes);
        self.data.extend(others.data);
        self
    }

    /// All of them.
    pub fn list(&self) -> Vec<ListedRoute> {
        self.routes
            .iter()
            .map(|(listed, _)| listed.clone())
            .collect()
    }

    /// Adds them to an application, each behind what it needs. Another method of a known path is answered 405.
    pub(crate) fn add_to(self, config: &mut ServiceConfig, access: &AccessCheck) {
        for data in self.data {
            data(config);
        }
        let mut methods: BTreeMap<&'static str, Vec<Method>> = BTreeMap::new();
        for (listed, route) in self.routes {
            methods.entry(listed.path).or_default().push(listed.method);
            config.route(listed.path, access.guard(route, listed.access));
        }
        for (path, known) in methods {
            let problem = Problem::method_not_allowed(&known);
            config.route(path, access.answer(problem));
        }
    }
}
