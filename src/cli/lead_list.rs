//! Lists of leads: as a table, as JSON, or as values for a spreadsheet.

use crate::cli::follow::{self, Shown};
use crate::cli::lead::state_of;
use crate::cli::out::{Out, maybe, print};
use crate::cli::{Context, Narrowed};
use nexora_core::base::{Error, Result, money};
use nexora_core::model::LeadId;
use nexora_core::model::lead::Lead;
use nexora_core::model::tenant::Tenant;
use nexora_store as store;
use nexora_store::lead::Filter;

pub async fn list(
    context: &Context,
    filter: &Filter,
    (narrowed, csv): (&Narrowed, bool),
    out: &Out,
) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    if csv {
        let tenant = context.tenant().await?;
        let filter = Filter { span: narrowed.span(&tenant, app.clock.now())?, ..filter.clone() };
        let leads = app.view(&tenant, move |tx| store::lead::list(tx, &filter, limit)).await?;
        return print(values(&leads)?.trim_end());
    }
    let shown = Shown {
        headers: &["received", "name", "phone", "email", "state", "source", "answered", "id"],
        row: &|lead: &Lead| {
            vec![
                out.ago(lead.received_at),
                lead.name.clone(),
                maybe(lead.phone.as_ref()),
                maybe(lead.email.as_ref()),
                state_of(lead),
                lead.source.clone(),
                lead.answered_at.map(|at| out.ago(at)).unwrap_or_default(),
                lead.id.to_string(),
            ]
        },
        id: &|lead| lead.id.to_string(),
    };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after = after.as_deref().map(LeadId::parse).transpose()?;
        let filter = Filter { span, after, ..filter.clone() };
        app.view(&tenant, move |tx| store::lead::list(tx, &filter, limit)).await
    };
    follow::list(context, narrowed, shown, fetch, out).await
}

const COLUMNS: [&str; 17] = [
    "id",
    "received_at",
    "name",
    "phone",
    "email",
    "service",
    "message",
    "address",
    "postcode",
    "preferred_time",
    "state",
    "source",
    "is_test",
    "answered_at",
    "responded_at",
    "cost",
    "contact_id",
];

/// Writes leads as comma-separated values (RFC 4180).
fn values(leads: &[Lead]) -> Result<String> {
    let failed = |error: csv::Error| Error::internal("the leads cannot be written as values").source(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for lead in leads {
        let row = [
            lead.id.to_string(),
            lead.received_at.to_string(),
            lead.name.clone(),
            maybe(lead.phone.as_ref()),
            maybe(lead.email.as_ref()),
            maybe(lead.service.as_ref()),
            maybe(lead.message.as_ref()),
            maybe(lead.address.as_ref()),
            maybe(lead.postcode.as_ref()),
            maybe(lead.preferred_time.as_ref()),
            lead.state.to_string(),
            lead.source.clone(),
            lead.is_test.to_string(),
            maybe(lead.answered_at.as_ref()),
            maybe(lead.responded_at.as_ref()),
            lead.cost_cents.map(money::shown).unwrap_or_default(),
            maybe(lead.contact_id.as_ref()),
        ];
        writer.write_record(row.map(inert)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    String::from_utf8(bytes).map_err(|error| Error::internal("the values are not text").source(error))
}

/// Keeps a spreadsheet from taking what a stranger wrote for a formula.
pub fn inert(value: String) -> String {
    let is_number =
        value.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    match value.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        true => format!("'{value}"),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_is_no_formula() {
        let inert = |value: &str| inert(value.to_owned());
        assert_eq!(inert("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(inert("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(inert("+15125550142"), "+15125550142");
        assert_eq!([inert("Jo Miller"), inert("")], ["Jo Miller", ""]);
    }
}
