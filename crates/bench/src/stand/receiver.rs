//! The applications of a run, in a process of their own.

use std::ffi::OsStr;

use serde_json::Value;

use super::http::JsonClient;
use super::process::Process;
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;
use crate::receiver::{
    AddApplications, AddReader, AddedApplications, AddedReader, Behave, ReceivedCounts,
    ReceiverBehaviour, Verify,
};

/// A running one. Dropping it kills it.
pub(crate) struct ReceiverProcess {
    pub(crate) process: Process,
    http: JsonClient,
}

/// Where one application takes webhooks.
#[derive(Debug, Clone)]
pub(crate) struct ReceivingApplication {
    /// Its number.
    pub(crate) number: usize,
    pub(crate) url: String,
}

impl ReceivingApplication {
    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        let rest = self.url.split("//").nth(1).unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }
}

impl ReceiverProcess {
    pub(crate) async fn start(program: &Program) -> Result<Self, BenchError> {
        let arguments = ["bench", "receiver"].map(OsStr::new);
        let mut process = Process::spawn(program, Role::Receiver, &arguments, |line| {
            line.starts_with("http").then(|| line.to_owned())
        })?;
        let url = process.address().await?;
        Ok(Self {
            process,
            http: JsonClient::new(Role::Receiver, url, None)?,
        })
    }

    /// Starts more applications.
    pub(crate) async fn add(&self, count: usize) -> Result<Vec<ReceivingApplication>, StandError> {
        let add = AddApplications { count };
        let added: AddedApplications = self.http.post("/receiver/v1/applications", &add).await?;
        let numbered = added.urls.into_iter().enumerate();
        Ok(numbered
            .map(|(nth, url)| ReceivingApplication {
                number: added.first + nth,
                url,
            })
            .collect())
    }

    /// Starts an application that reads a consumer's events; returns its number.
    pub(crate) async fn read(&self, from: AddReader) -> Result<usize, StandError> {
        let added: AddedReader = self.http.post("/receiver/v1/readers", &from).await?;
        Ok(added.number)
    }

    /// From now on an application answers so.
    pub(crate) async fn behave(
        &self,
        application: usize,
        behaviour: ReceiverBehaviour,
    ) -> Result<(), StandError> {
        let behave = Behave {
            application,
            behaviour,
        };
        let _: Value = self.http.post("/receiver/v1/behaviour", &behave).await?;
        Ok(())
    }

    /// From now on an application verifies signatures.
    pub(crate) async fn verify(&self, application: usize, secret: &str) -> Result<(), StandError> {
        let verify = Verify {
            application,
            secret: secret.to_owned(),
        };
        let _: Value = self.http.post("/receiver/v1/secret", &verify).await?;
        Ok(())
    }

    /// The counts of all applications, in the order of their numbers.
    pub(crate) async fn ledger(&self) -> Result<Vec<ReceivedCounts>, StandError> {
        self.http.get("/receiver/v1/ledger").await
    }

    /// The counts of one.
    pub(crate) async fn counts(&self, application: usize) -> Result<ReceivedCounts, StandError> {
        let path = format!("/receiver/v1/ledger/{application}");
        self.http.get(&path).await
    }

    /// The numbers of the events that an application took.
    pub(crate) async fn received(&self, application: usize) -> Result<Vec<u64>, StandError> {
        let path = format!("/receiver/v1/received/{application}");
        self.http.get(&path).await
    }
}
