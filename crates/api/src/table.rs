//! The routes of the interface and its OpenAPI document, filled in together.

use std::sync::Arc;

use actix_web::{FromRequest, Handler, Responder};
use longwire_listener::Routes;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::operation::Operation;

/// Routes and document.
pub(crate) struct Table {
    routes: Routes,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Table {
    /// With these routes and no operation.
    pub(crate) fn new(routes: Routes) -> Self {
        Self {
            routes,
            paths: Map::new(),
            schemas: Map::new(),
        }
    }

    /// With an operation, and the handler that carries it out. The first one that fits a request is taken.
    pub(crate) fn add<F, Args>(mut self, operation: Operation, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let Operation {
            method,
            path,
            access,
            ..
        } = &operation;
        let of_path = self.paths.entry(*path).or_insert_with(|| json!({}));
        of_path[method.as_str().to_ascii_lowercase()] = operation.to_json();
        self.routes = self.routes.route(method.clone(), path, *access, handler);
        self
    }

    /// With the schema of a type, and those that it names.
    pub(crate) fn schema<T: ToSchema + PartialSchema>(mut self) -> Self {
        let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
        T::schemas(&mut schemas);
        schemas.push((T::name().into_owned(), T::schema()));
        for (name, schema) in schemas {
            // A schema of a type has a JSON form.
            let schema = serde_json::to_value(schema).unwrap_or_default();
            self.schemas.insert(name, schema);
        }
        self
    }

    /// With schemas that no type has.
    pub(crate) fn schemas(mut self, schemas: Map<String, Value>) -> Self {
        self.schemas.extend(schemas);
        self
    }

    /// The routes, and the document around its paths and schemas.
    pub(crate) fn finish(self, document: impl FnOnce(Value, Value) -> Value) -> (Routes, Arc<str>) {
        let document = document(self.paths.into(), self.schemas.into());
        (self.routes, document.to_string().into())
    }
}
