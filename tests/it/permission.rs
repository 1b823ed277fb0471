//! An operation asks itself what its actor may, whoever calls it, and writes nothing for one who may not.

use nexora::ops::access::user;
use nexora::ops::access::user::Grant;
use nexora::ops::automation::event;
use nexora::ops::lead;
use nexora::ops::tenant;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Kind, Result};
use nexora_core::model::LeadId;
use nexora_core::model::audit::Actor;
use nexora_core::model::lead::LeadState;
use nexora_core::model::user::{Role, UserState};
use nexora_store as store;

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};

/// Returns why something was denied.
fn denied<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "{error:?}");
    error.message().to_owned()
}

async fn member(nexora: &Nexora, role: Role) -> Actor {
    let email = format!("{role}@acme.example.com");
    let grant = Grant::Member(Box::new(nexora.tenant.clone()), role);
    user::create(&nexora.app, &nexora.actor, email.parse().unwrap(), None, grant).await.unwrap();
    Actor::User(email)
}

/// Counts what was recorded.
async fn recorded(nexora: &Nexora) -> usize {
    let tenant = nexora.tenant.id.clone();
    nexora.view(move |tx| store::audit::list(tx, Some(&tenant), 100)).await.len()
}

async fn state(nexora: &Nexora, id: &LeadId) -> LeadState {
    nexora.lead(id).await.lead.state
}

on_both!(
    a_user_does_what_their_role_permits_and_no_more,
    what_is_no_tenants_own_is_left_to_operators,
    a_key_tells_of_events_and_does_nothing_else,
    the_last_owner_stays_and_a_user_who_is_deleted_is_out_of_everything,
);

async fn a_user_does_what_their_role_permits_and_no_more(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    let (viewer, daily) = (member(&nexora, Role::Viewer).await, member(&nexora, Role::Member).await);
    let stranger = Actor::User("nobody@example.com".into());
    let Nexora { app, actor, tenant, .. } = &nexora;

    let audited = recorded(&nexora).await;
    assert_eq!(
        denied(lead::spam(app, &viewer, tenant, &id).await),
        "this needs the permission `lead.update`"
    );
    assert!(denied(lead::spam(app, &stranger, tenant, &id).await).contains("nobody may act as"));
    assert_eq!(state(&nexora, &id).await, LeadState::New);
    assert_eq!(recorded(&nexora).await, audited);

    lead::spam(app, &daily, tenant, &id).await.unwrap();
    assert_eq!(state(&nexora, &id).await, LeadState::Spam);
    let other = tenant::create(app, actor, new_tenant("beta")).await.unwrap();
    let theirs = nexora.submit_to(&other, enquiry()).await;
    denied(lead::spam(app, &daily, &other, &theirs).await);
}

async fn what_is_no_tenants_own_is_left_to_operators(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (owner, admin) = (member(&nexora, Role::Owner).await, member(&nexora, Role::Admin).await);
    let Nexora { app, actor, tenant, .. } = &nexora;

    denied(tenant::suspend(app, &owner, &tenant.slug).await);
    tenant::set(app, &owner, &tenant.slug, &[("name".into(), "Acme".into())]).await.unwrap();
    let one = "owner@acme.example.com".parse().unwrap();
    denied(user::set_password(app, &owner, &one, &Secret::new("a long enough password")).await);

    // A role above one's own is neither given nor taken, and no user of others is drawn in.
    denied(user::set_role(app, &admin, tenant, &one, Role::Viewer).await);
    let new = "new@acme.example.com".parse().unwrap();
    denied(user::create(app, &admin, new, None, Grant::Member(Box::new(tenant.clone()), Role::Owner)).await);
    let other = tenant::create(app, actor, new_tenant("beta")).await.unwrap();
    let theirs = "jo@beta.example.com".parse().unwrap();
    user::create(app, actor, theirs, None, Grant::Member(Box::new(other), Role::Viewer)).await.unwrap();
    let theirs = "jo@beta.example.com".parse().unwrap();
    let grant = Grant::Member(Box::new(tenant.clone()), Role::Viewer);
    denied(user::create(app, &owner, theirs, None, grant).await);
}

async fn a_key_tells_of_events_and_does_nothing_else(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    let Nexora { app, tenant, .. } = &nexora;
    let key = Actor::Key("zapier".into());

    let data = serde_json::json!({ "email": "jo@example.com" });
    event::ingest(app, &key, tenant, "part.lost".into(), data, None).await.unwrap();
    denied(lead::spam(app, &key, tenant, &id).await);
    assert_eq!(state(&nexora, &id).await, LeadState::New);
}

async fn the_last_owner_stays_and_a_user_who_is_deleted_is_out_of_everything(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    member(&nexora, Role::Owner).await;
    member(&nexora, Role::Viewer).await;
    let owner = "owner@acme.example.com".parse().unwrap();
    let second = "second@acme.example.com".parse().unwrap();
    let grant = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    // One who cannot sign in is no owner who counts.
    user::create(app, actor, second, None, grant).await.unwrap();
    let second = "second@acme.example.com".parse().unwrap();
    user::set_state(app, actor, &second, UserState::Disabled).await.unwrap();
    let refused = [
        user::remove(app, actor, tenant, &owner).await.map(|_| ()).unwrap_err(),
        user::set_role(app, actor, tenant, &owner, Role::Admin).await.map(|_| ()).unwrap_err(),
        user::delete(app, actor, &owner).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), Kind::Conflict);
        assert_eq!(error.message(), "`owner@acme.example.com` is the last owner of tenant `acme`");
    }
    user::set_role(app, actor, tenant, &owner, Role::Owner).await.unwrap();
    user::set_state(app, actor, &second, UserState::Active).await.unwrap();
    user::set_password(app, actor, &owner, &Secret::new("a long enough pass phrase")).await.unwrap();
    user::delete(app, actor, &owner).await.unwrap();
    assert_eq!(user::find(app, &owner).await.unwrap_err().kind(), Kind::NotFound);
    let members: Vec<String> =
        user::list(app, Some(tenant)).await.unwrap().iter().map(|view| view.user.email.to_string()).collect();
    assert_eq!(members, ["second@acme.example.com", "viewer@acme.example.com"]);
    // Who is no owner goes without a question, and whoever was deleted can be made anew.
    user::delete(app, actor, &"viewer@acme.example.com".parse().unwrap()).await.unwrap();
    member(&nexora, Role::Owner).await;
    let trail = app.db.read(|conn| store::audit::list(conn, None, 9)).await.unwrap();
    assert_eq!(trail.iter().filter(|entry| entry.action == "user.delete").count(), 2);
}
