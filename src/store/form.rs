//! Rows of `forms`, `wordings` and `photos`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx, Whose, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{ConsentText, Form, Photo, forms, photos, wordings};
use nexora_core::model::lead::{LeadState, leads};
use nexora_core::model::{LeadId, PhotoId, TenantId};

pub fn find(tx: &mut Tx) -> Result<Option<Form>> {
    on!(tx.conn, |c| forms::table.find(tx.tenant).select(Form::as_select()).first(c).optional())
}

/// Writes the form as it is now.
pub fn save(conn: &mut Conn, form: &Form) -> Result<()> {
    let update = kept::update(forms::table.find(&form.tenant_id)).set(form);
    if on!(conn, |c| update.execute(c))? > 0 {
        return Ok(());
    }
    let insert = diesel::insert_into(forms::table).values(form);
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Lists a tenant's wordings of a channel, latest first.
pub fn wordings(tx: &mut Tx, channel: Channel, limit: i64) -> Result<Vec<ConsentText>> {
    on!(tx.conn, |c| wordings::table
        .filter(wordings::tenant_id.eq(tx.tenant))
        .filter(wordings::channel.eq(channel))
        .order(wordings::version.desc())
        .limit(limit)
        .select(ConsentText::as_select())
        .load(c))
}

pub fn find_wording(tx: &mut Tx, channel: Channel, version: i32) -> Result<Option<ConsentText>> {
    on!(tx.conn, |c| wordings::table
        .find((tx.tenant, channel, version))
        .select(ConsentText::as_select())
        .first(c)
        .optional())
}

pub fn insert_wording(conn: &mut Conn, wording: &ConsentText) -> Result<()> {
    on!(conn, |c| diesel::insert_into(wordings::table).values(wording).execute(c)).map(|_| ())
}

pub fn insert_photo(conn: &mut Conn, photo: &Photo) -> Result<()> {
    on!(conn, |c| diesel::insert_into(photos::table).values(photo).execute(c)).map(|_| ())
}

pub fn find_photo(tx: &mut Tx, id: &PhotoId) -> Result<Option<Photo>> {
    on!(tx.conn, |c| photos::table.find((tx.tenant, id)).select(Photo::as_select()).first(c).optional())
}

/// Counts, up to `most`, a tenant's photos from this id on.
pub fn count_photos(tx: &mut Tx, from: &PhotoId, most: i64) -> Result<i64> {
    let found: Vec<PhotoId> = on!(tx.conn, |c| photos::table
        .filter(photos::tenant_id.eq(tx.tenant))
        .filter(photos::id.ge(from))
        .order(photos::id)
        .limit(most)
        .select(photos::id)
        .load(c))?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
}

/// Deletes at most `limit` photos that came before `before`, and as many of spam that came before
/// `spam_before`; returns how many. Uses `photos_by_age`.
pub fn prune_photos(
    conn: &mut Conn,
    whose: &Whose,
    (before, spam_before): (Timestamp, Timestamp),
    limit: i64,
) -> Result<usize> {
    let mut old: Vec<(TenantId, PhotoId)> = on!(conn, |c| {
        let mut query = photos::table.filter(photos::created_at.lt(before)).into_boxed();
        whose!(query, photos, whose);
        let query = query.order((photos::created_at, photos::id)).limit(limit);
        query.select((photos::tenant_id, photos::id)).load(c)
    })?;
    let spam: Vec<(TenantId, PhotoId)> = on!(conn, |c| {
        let mut query = photos::table
            .inner_join(
                leads::table.on(leads::tenant_id.eq(photos::tenant_id).and(leads::id.eq(photos::lead_id))),
            )
            .filter(photos::created_at.lt(spam_before))
            .filter(leads::state.eq(LeadState::Spam))
            .into_boxed();
        whose!(query, photos, whose);
        let query = query.order((photos::created_at, photos::id)).limit(limit);
        query.select((photos::tenant_id, photos::id)).load(c)
    })?;
    old.extend(spam);
    let mut deleted = 0;
    for (tenant, id) in &old {
        deleted += on!(conn, |c| diesel::delete(photos::table.find((tenant, id))).execute(c))?;
    }
    Ok(deleted)
}

/// Lists the photos of a lead, in the order in which they were sent. Uses `photos_by_lead`.
pub fn photos_of(tx: &mut Tx, lead: &LeadId, limit: i64) -> Result<Vec<PhotoId>> {
    on!(tx.conn, |c| photos::table
        .filter(photos::tenant_id.eq(tx.tenant))
        .filter(photos::lead_id.eq(lead))
        .order(photos::id)
        .limit(limit)
        .select(photos::id)
        .load(c))
}

/// Lists a tenant's photos after one, in the order in which they came.
pub fn photos_after(tx: &mut Tx, after: Option<&PhotoId>, limit: i64) -> Result<Vec<Photo>> {
    on!(tx.conn, |c| {
        let mut query = photos::table.filter(photos::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(after) = after {
            query = query.filter(photos::id.gt(after));
        }
        query.order(photos::id).limit(limit).select(Photo::as_select()).load(c)
    })
}
