//! The configuration file is read again while the gateway runs.
//!
//! ```text
//! SIGHUP, `longwire reload` ─▶ file read, validated ─▶ bots compared in the store ─▶ fleet told ─▶ settings taken over
//!                                  └── a mistake: nothing is changed
//! a file with a secret changed, a bot is tried by hand ─▶ these bots' secrets read ─▶ store ─▶ fleet told
//! ```
//! One of them runs at a time. A bot of which nothing is different keeps its row, and so its connection. A bot that serves
//! keeps its secret when the new one cannot be read.

mod bots;
mod secret_files;
mod settings;
mod told;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use longwire_admin::document::ReloadDocument;
use longwire_admin::{ReloadRefusal, ReloadRun};
use longwire_delivery::Deliveries;
use longwire_fleet::setback::chain;
use longwire_fleet::{ConfigFault, Fleet};
use longwire_installation::{InstallationId, Name};
use longwire_janitor::JanitorHandle;
use longwire_listener::Draining;
use longwire_store::{Declare, InstallationRecord, Store, WriteError};

use crate::config::{Config, InstallationSection, Loaded, OwnRetention, SettingValues};
use crate::declarations::Declarations;
use crate::exit::Failure;
use crate::notices::Notices;
use crate::{retention, systemd};
use bots::{Outcome, Present};
use secret_files::SecretFiles;

/// Reads the configuration file again. Clones are handles to the same one.
#[derive(Clone)]
pub(crate) struct Reloader(Arc<Inner>);

struct Inner {
    store: Store,
    fleet: Fleet,
    draining: Draining,
    janitor: JanitorHandle,
    /// Who has it reads the file, or some of its secrets.
    current: tokio::sync::Mutex<Current>,
    consumers: Arc<OnceLock<Deliveries>>,
    notices: std::sync::Mutex<Option<Notices>>,
    /// How long a drain may take, in milliseconds.
    drain_ms: AtomicU64,
}

/// What the file said last, and what the process runs with.
struct Current {
    /// Without its installations.
    loaded: Loaded,
    installations: Vec<InstallationSection>,
    /// The installations' rows, in the order of the file.
    ids: Vec<InstallationId>,
    faults: BTreeMap<InstallationId, ConfigFault>,
    files: SecretFiles,
    /// The settings that the process runs with: those of its start, but for what was taken over since.
    running: Config,
    running_values: SettingValues,
}

/// What the declared installations are at the start of the process.
pub(crate) struct Started {
    loaded: Loaded,
    installations: Vec<InstallationSection>,
    ids: Vec<InstallationId>,
    faults: BTreeMap<InstallationId, ConfigFault>,
    files: SecretFiles,
}

impl Started {
    /// Has the store keep what the file declares, before anything runs. Also where it declares nothing: what is no longer
    /// declared is to stop. The installations are taken out of `loaded`.
    pub(crate) fn of(loaded: &mut Loaded, store: &Store) -> Result<Self, Failure> {
        let installations = std::mem::take(&mut loaded.config.installations);
        let read = Declarations::read(&installations, loaded)?;
        let files = SecretFiles::of(read.files);
        let records = store.put_from_file(read.installations)?;
        retention::declare(store, &records, &retention::declared(&installations))?;
        let ids: Vec<InstallationId> = records.iter().map(|record| record.id).collect();
        let faults = ids.iter().zip(read.faults);
        Ok(Self {
            faults: faults
                .filter_map(|(id, fault)| Some((*id, fault?)))
                .collect(),
            loaded: loaded.clone(),
            installations,
            ids,
            files,
        })
    }

    /// What keeps installations from being connected.
    pub(crate) fn faults(&self) -> BTreeMap<InstallationId, ConfigFault> {
        self.faults.clone()
    }
}

/// What a reload works with beside the file.
pub(crate) struct ReloadParts {
    pub(crate) store: Store,
    pub(crate) fleet: Fleet,
    pub(crate) draining: Draining,
    pub(crate) janitor: JanitorHandle,
    pub(crate) consumers: Arc<OnceLock<Deliveries>>,
}

impl Reloader {
    /// Goes on from the start, and looks after the files with secrets from now on. Inside an actix system.
    pub(crate) fn start(started: Started, parts: ReloadParts) -> Self {
        let Started {
            loaded,
            installations,
            ids,
            faults,
            files,
        } = started;
        let ReloadParts {
            store,
            fleet,
            draining,
            janitor,
            consumers,
        } = parts;
        let notices = Notices::start(&loaded.config.notices, &store, &fleet, &consumers);
        let running = loaded.config.clone();
        let this = Self(Arc::new(Inner {
            store,
            fleet,
            draining,
            janitor,
            consumers,
            notices: std::sync::Mutex::new(Some(notices)),
            drain_ms: AtomicU64::new(0),
            current: tokio::sync::Mutex::new(Current {
                running_values: loaded.values.clone(),
                running,
                loaded,
                installations,
                ids,
                faults,
                files,
            }),
        }));
        actix_rt::spawn(secret_files::watch(this.clone()));
        this
    }

    /// How long a drain may take, if a reload has changed it.
    pub(crate) fn changed_drain_limit(&self) -> Option<Duration> {
        let limit = Duration::from_millis(self.0.drain_ms.load(Relaxed));
        (!limit.is_zero()).then_some(limit)
    }

    /// No more notices are said.
    pub(crate) fn end_notices(&self) {
        let mut notices = self.0.notices.lock();
        let notices = notices.as_deref_mut().map(Option::take);
        drop(notices);
    }

    /// Reads the file again, and applies what is different, or tells it. Whatever comes of it is logged.
    pub(crate) async fn reload(&self, run: ReloadRun) -> Result<ReloadDocument, ReloadRefusal> {
        if self.0.draining.has_begun() {
            told::log_refusal(&ReloadRefusal::Draining);
            return Err(ReloadRefusal::Draining);
        }
        if run == ReloadRun::Compare {
            return self.reload_with(run).await;
        }
        systemd::reloading();
        let reloaded = self.reload_with(run).await;
        match &reloaded {
            Ok(document) => told::log(document),
            Err(refusal) => told::log_refusal(refusal),
        }
        systemd::ready("configuration read again");
        reloaded
    }

    async fn reload_with(&self, run: ReloadRun) -> Result<ReloadDocument, ReloadRefusal> {
        let mut current = self.0.current.lock().await;
        let file = current.loaded.file.clone();
        let read = blocking(move || read_file(&file)).await??;
        let FileRead {
            loaded,
            sections,
            declarations,
        } = read;
        let Declarations {
            installations,
            faults,
            files,
        } = declarations;
        let names = bots::names(&installations);
        let present = Present::of(&self.0.fleet, &current.faults);
        let how = match run {
            ReloadRun::Apply => Declare::WholeFile,
            ReloadRun::Compare => Declare::Compare,
        };
        let changes = self.declare(installations, how).await?;
        let Outcome {
            mut document,
            ids,
            faults,
        } = bots::outcome(&changes, faults, &names, &present);
        let rules = bots::retention_differs(&current.installations, &sections);
        bots::tell_retention(&mut document, &changes, &rules);
        document.file = current.loaded.file.display().to_string();
        document.settings = settings::differing(&current.running, &current.running_values, &loaded);
        if run == ReloadRun::Compare {
            return Ok(document);
        }
        document.applied = true;
        current.files.take_over(files);
        current.ids = ids;
        current.faults = faults;
        current.loaded = loaded;
        let before = std::mem::replace(&mut current.installations, sections);
        self.0.fleet.declarations_read(current.faults.clone());
        self.take_over_settings(&mut current, &mut document);
        let kept = self.keep_retention(&changes, &rules).await;
        if kept.is_err() {
            bots::forget_retention(&mut current.installations, &before);
        }
        kept.map(|()| document)
    }

    async fn declare(
        &self,
        installations: Vec<longwire_store::NewInstallation>,
        how: Declare,
    ) -> Result<longwire_store::DeclarationChanges, ReloadRefusal> {
        let store = self.0.store.clone();
        let declared = blocking(move || store.declare(installations, how)).await?;
        declared.map_err(|error| ReloadRefusal::Store(chain(&error)))
    }

    /// Gives bots the rules for their events that the file says of them now.
    async fn keep_retention(
        &self,
        changes: &longwire_store::DeclarationChanges,
        rules: &[(Name, OwnRetention)],
    ) -> Result<(), ReloadRefusal> {
        if rules.is_empty() {
            return Ok(());
        }
        let records = changes.declared.iter();
        let records = records.filter_map(|declared| declared.record.clone());
        let names: HashSet<&Name> = rules.iter().map(|(name, _)| name).collect();
        let differs = |record: &InstallationRecord| names.contains(&record.name);
        let records: Vec<_> = records.filter(differs).collect();
        let (store, rules) = (self.0.store.clone(), rules.to_vec());
        let kept = blocking(move || retention::declare(&store, &records, &rules)).await?;
        kept.map_err(|error| ReloadRefusal::Store(chain(&error)))?;
        self.0.janitor.look_again();
        Ok(())
    }

    /// Takes over the settings that can be taken over; what fails stays for the next start.
    fn take_over_settings(&self, current: &mut Current, document: &mut ReloadDocument) {
        let settings = std::mem::take(&mut document.settings);
        let new = &current.loaded.config;
        let running = &mut current.running;
        for key in settings.applied {
            if self.take_over(&key, running, new) {
                current.running_values.take(&key, &current.loaded.values);
                document.settings.applied.push(key);
            } else {
                document.settings.at_next_start.push(key);
            }
        }
        document
            .settings
            .at_next_start
            .extend(settings.at_next_start);
    }

    /// Whether the setting of this key holds from now on.
    fn take_over(&self, key: &str, running: &mut Config, new: &Config) -> bool {
        let Some(live) = settings::live(key) else {
            return false;
        };
        match live {
            settings::Live::LogFilter => {
                if !crate::logs::set_filter(&new.log.filter) {
                    return false;
                }
                running.log.filter.clone_from(&new.log.filter);
            }
            settings::Live::ConnectRate => {
                self.0.fleet.set_connect_rate(new.connect.per_second);
                running.connect = new.connect.clone();
            }
            settings::Live::Limits => {
                self.0.fleet.set_limits(new.limits.limits());
                running.limits = new.limits.clone();
            }
            settings::Live::Drain => {
                let limit = u64::try_from(new.server.drain.as_millis()).unwrap_or(u64::MAX);
                self.0.drain_ms.store(limit, Relaxed);
                running.server.drain = new.server.drain;
            }
            settings::Live::Retention => {
                self.0.janitor.set_policy(new.retention.policy());
                running.retention = new.retention.clone();
            }
            settings::Live::Notices => {
                if running.notices != new.notices {
                    let Inner {
                        store,
                        fleet,
                        consumers,
                        ..
                    } = &*self.0;
                    let said = Notices::start(&new.notices, store, fleet, consumers);
                    let notices = self.0.notices.lock();
                    *notices.unwrap_or_else(PoisonError::into_inner) = Some(said);
                    running.notices = new.notices.clone();
                }
            }
        }
        true
    }

    /// Reads again what the file refers to for one installation. Nothing happens if the file does not declare it.
    pub(crate) async fn read_again(&self, id: InstallationId) -> Result<(), WriteError> {
        let mut current = self.0.current.lock().await;
        let number = current.ids.iter().position(|declared| *declared == id);
        let numbers = number.into_iter().collect();
        self.read_some(&mut current, numbers).await
    }

    /// Reads again what these installations of the file refer to.
    async fn read_some(
        &self,
        current: &mut Current,
        numbers: Vec<usize>,
    ) -> Result<(), WriteError> {
        if numbers.is_empty() || self.0.draining.has_begun() {
            return Ok(());
        }
        let sections = numbers.iter();
        let sections = sections.filter_map(|number| current.installations.get(*number).cloned());
        let sections: Vec<_> = sections.collect();
        let surroundings = current.loaded.clone();
        let store = self.0.store.clone();
        let present = Present::of(&self.0.fleet, &current.faults);
        let declared = blocking(move || {
            let Ok(read) = Declarations::read(&sections, &surroundings) else {
                // Validation has refused these.
                return Ok(None);
            };
            let names = bots::names(&read.installations);
            let changes = store.declare(read.installations, Declare::Part)?;
            Ok::<_, WriteError>(Some((changes, names, read.faults, read.files)))
        });
        let declared = declared.await.map_err(|_| WriteError::WriterGone)?;
        let Some((changes, names, faults, files)) = declared? else {
            return Ok(());
        };
        let outcome = bots::outcome(&changes, faults, &names, &present);
        current.files.take_over_some(files);
        let before = current.faults.clone();
        for id in &outcome.ids {
            current.faults.remove(id);
        }
        current.faults.extend(outcome.faults);
        told::log_read_again(&outcome.document, &before, &current.faults, &outcome.ids);
        if before != current.faults {
            self.0.fleet.declarations_read(current.faults.clone());
        } else if !outcome.document.changed.is_empty() {
            self.0.fleet.reload();
        }
        Ok(())
    }
}

/// A configuration file that was read.
struct FileRead {
    /// Without its installations.
    loaded: Loaded,
    sections: Vec<InstallationSection>,
    declarations: Declarations,
}

/// Reads the file and what it refers to. Blocks.
fn read_file(file: &Path) -> Result<FileRead, ReloadRefusal> {
    let mut loaded = Loaded::read(Some(file)).map_err(|error| {
        let advice = error.advice();
        ReloadRefusal::Mistake(format!("{}\n{advice}", chain(&error)))
    })?;
    let sections = std::mem::take(&mut loaded.config.installations);
    let declarations = Declarations::read(&sections, &loaded);
    Ok(FileRead {
        declarations: declarations.map_err(|error| ReloadRefusal::Mistake(chain(&error)))?,
        loaded,
        sections,
    })
}

/// Runs what may wait for a disk where it holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReloadRefusal> {
    let done = actix_rt::task::spawn_blocking(work).await;
    done.map_err(|error| ReloadRefusal::Store(chain(&error)))
}
