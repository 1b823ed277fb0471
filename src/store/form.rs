//! Rows of `forms`, `wordings` and `photos`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::consent::Channel;
use crate::model::form::{Form, Photo, Wording, forms, photos, wordings};
use crate::model::lead::{LeadState, leads};
use crate::model::{LeadId, PhotoId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;

pub fn find(conn: &mut Conn, tenant: &TenantId) -> Result<Option<Form>> {
    on!(conn, |c| forms::table.find(tenant).select(Form::as_select()).first(c).optional())
}

/// Writes the form as it is now.
pub fn save(conn: &mut Conn, form: &Form) -> Result<()> {
    let update = diesel::update(forms::table.find(&form.tenant_id)).set(form);
    if on!(conn, |c| update.execute(c))? > 0 {
        return Ok(());
    }
    let insert = diesel::insert_into(forms::table).values(form);
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Lists a tenant's wordings of a channel, latest first.
pub fn wordings(conn: &mut Conn, tenant: &TenantId, channel: Channel, limit: i64) -> Result<Vec<Wording>> {
    on!(conn, |c| wordings::table
        .filter(wordings::tenant_id.eq(tenant))
        .filter(wordings::channel.eq(channel))
        .order(wordings::version.desc())
        .limit(limit)
        .select(Wording::as_select())
        .load(c))
}

pub fn find_wording(
    conn: &mut Conn,
    tenant: &TenantId,
    channel: Channel,
    version: i32,
) -> Result<Option<Wording>> {
    on!(conn, |c| wordings::table
        .find((tenant, channel, version))
        .select(Wording::as_select())
        .first(c)
        .optional())
}

pub fn insert_wording(conn: &mut Conn, wording: &Wording) -> Result<()> {
    on!(conn, |c| diesel::insert_into(wordings::table).values(wording).execute(c)).map(|_| ())
}

pub fn insert_photo(conn: &mut Conn, photo: &Photo) -> Result<()> {
    on!(conn, |c| diesel::insert_into(photos::table).values(photo).execute(c)).map(|_| ())
}

pub fn find_photo(conn: &mut Conn, tenant: &TenantId, id: &PhotoId) -> Result<Option<Photo>> {
    on!(conn, |c| photos::table.find((tenant, id)).select(Photo::as_select()).first(c).optional())
}

/// Counts, up to `most`, a tenant's photos from this id on.
pub fn count_photos(conn: &mut Conn, tenant: &TenantId, from: &PhotoId, most: i64) -> Result<i64> {
    let found: Vec<PhotoId> = on!(conn, |c| photos::table
        .filter(photos::tenant_id.eq(tenant))
        .filter(photos::id.ge(from))
        .order(photos::id)
        .limit(most)
        .select(photos::id)
        .load(c))?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
}

/// Deletes at most `limit` photos that came before `before`, and as many of spam that came before
/// `spam_before`; returns how many. Uses `photos_by_age`.
pub fn prune_photos(conn: &mut Conn, before: Timestamp, spam_before: Timestamp, limit: i64) -> Result<usize> {
    let mut old: Vec<(TenantId, PhotoId)> = on!(conn, |c| photos::table
        .filter(photos::created_at.lt(before))
        .order((photos::created_at, photos::id))
        .limit(limit)
        .select((photos::tenant_id, photos::id))
        .load(c))?;
    let spam: Vec<(TenantId, PhotoId)> = on!(conn, |c| photos::table
        .inner_join(
            leads::table.on(leads::tenant_id.eq(photos::tenant_id).and(leads::id.eq(photos::lead_id)))
        )
        .filter(photos::created_at.lt(spam_before))
        .filter(leads::state.eq(LeadState::Spam))
        .order((photos::created_at, photos::id))
        .limit(limit)
        .select((photos::tenant_id, photos::id))
        .load(c))?;
    old.extend(spam);
    let mut deleted = 0;
    for (tenant, id) in &old {
        deleted += on!(conn, |c| diesel::delete(photos::table.find((tenant, id))).execute(c))?;
    }
    Ok(deleted)
}

/// Lists the photos of a lead, in the order in which they were sent. Uses `photos_by_lead`.
pub fn photos_of(conn: &mut Conn, tenant: &TenantId, lead: &LeadId, limit: i64) -> Result<Vec<PhotoId>> {
    on!(conn, |c| photos::table
        .filter(photos::tenant_id.eq(tenant))
        .filter(photos::lead_id.eq(lead))
        .order(photos::id)
        .limit(limit)
        .select(photos::id)
        .load(c))
}
