//! Delivery against a real store and scripted endpoints.

mod cards;
mod endpoint;
mod expanding;
mod lifecycle;
mod readers;
mod relay;
mod replays;
mod webhooks;
mod world;
