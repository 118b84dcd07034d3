//! The messages between an installation and the supervisor, and those from outside. The messages of its children stand
//! with the children.

use crate::config_fault::ConfigFault;
use crate::host::Host;
use crate::kind::ConnectionActor;
use crate::view::Inspection;
use actix::Message;
use longwire_actor::{Fault, Receives, send};
use longwire_installation::InstallationId;
use longwire_link::{AttemptPriority, Generation};
use longwire_store::InstallationRecord;
use std::sync::Arc;
use std::time::Duration;

/// The installation's configuration. From the supervisor, when the store's row changed, or its [`ConfigFault`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Configure {
    pub(crate) record: Arc<InstallationRecord>,
    pub(crate) config_fault: Option<Arc<ConfigFault>>,
}

/// May I begin an attempt? From an installation, one open question at most; the answer is `Permitted`, now or later.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RequestPermit {
    pub(crate) installation: InstallationId,
    pub(crate) generation: Generation,
    pub(crate) priority: AttemptPriority,
}

/// You may begin an attempt. From the supervisor, the answer to one [`RequestPermit`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Permitted {
    pub(crate) generation: Generation,
    pub(crate) permit: Box<AttemptPermit>,
}

/// Permission for one attempt to be under way, from its start until the connection is open or given up. However it is
/// dropped, the supervisor is told that the attempt is over.
pub(crate) struct AttemptPermit {
    pub(crate) host: Host,
    pub(crate) supervisor: Arc<dyn Receives<AttemptOver>>,
}

impl Drop for AttemptPermit {
    fn drop(&mut self) {
        send(&*self.supervisor, AttemptOver(self.host.clone()));
    }
}

/// An attempt that had a permit is over. From its [`AttemptPermit`], once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AttemptOver(pub(crate) Host);

/// The operator wants an attempt now. From the supervisor, passed on from the fleet's handle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct TryNow;

/// The host slept: what was connected may be dead. From the supervisor, once per sleep.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Slept;

/// Another process is about to connect the bot. From the supervisor; answered when no attempt is under way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct LeaveToAnother;

/// Answer what was read, close, and do not connect again. From the supervisor, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub(crate) within: Duration,
}

/// An installation has no unanswered events any more. From the installation, the answer to `Drain`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Drained {
    pub(crate) installation: InstallationId,
    pub(crate) unanswered: u64,
}

/// The store has another row of this installation. From the installation, after it had the row changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RowChanged;

/// The supervisor, as an installation knows it.
pub(crate) trait SupervisorAddress:
    Receives<RequestPermit> + Receives<Drained> + Receives<RowChanged>
{
}
impl<T: Receives<RequestPermit> + Receives<Drained> + Receives<RowChanged>> SupervisorAddress
    for T
{
}

/// Provoke a fault in a child. From the fleet's handle, when fault injection is on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InjectChild(pub(crate) ConnectionActor, pub(crate) Fault);

/// Provoke a fault in the sender, which is started if there is none. As [`InjectChild`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InjectSender(pub(crate) Fault);

/// Ask the sender for its state. As [`InspectChild`].
#[derive(Debug, Message)]
#[rtype(result = "Inspection")]
pub(crate) struct InspectSender;

/// Ask a child for its state. From the fleet's handle, on behalf of the admin endpoint.
#[derive(Debug, Message)]
#[rtype(result = "Inspection")]
pub(crate) struct InspectChild(pub(crate) ConnectionActor);
