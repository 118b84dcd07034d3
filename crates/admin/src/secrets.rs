//! `/admin/v1/secrets/rotate`: the key that seals the store's secrets is renewed.

use actix_web::web::{Data, Json};
use longwire_access::AuditAction;
use longwire_listener::{Caller, Problem};

use crate::document::RotatedKeysDocument;
use crate::store_calls::write;
use crate::{Admin, audit};

pub(crate) async fn rotate(
    admin: Data<Admin>,
    caller: Caller,
) -> Result<Json<RotatedKeysDocument>, Problem> {
    let rotated = rotate_for(&admin, &caller).await;
    audit::keep_refusal(&admin, &caller, AuditAction::KeysRotate, "", &rotated);
    rotated.map(Json)
}

async fn rotate_for(admin: &Admin, caller: &Caller) -> Result<RotatedKeysDocument, Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let store = audit::audited(admin, caller, AuditAction::KeysRotate, "");
    let rotated = write(move || store.rotate_keys()).await?;
    tracing::info!(key = %rotated.key_id, secrets = rotated.secrets, token = %caller.token, "the sealing key was renewed");
    Ok(RotatedKeysDocument::from(&rotated))
}
