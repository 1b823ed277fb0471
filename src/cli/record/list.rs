//! The list of records of a kind.

use std::cmp::Reverse;

use clap::Args;
use serde::Serialize;

use crate::cli::out::Out;
use crate::cli::record::told;
use crate::cli::{Context, Page, follow};
use crate::ops::record::{self, Wanted};
use nexora_core::base::Result;
use nexora_core::base::wording::count;
use nexora_core::model::record::value::{self, Locale};
use nexora_core::model::record::{Field, Record, RecordKind, Schema};
use nexora_core::model::tenant::Tenant;

/// Which records a list shows.
#[derive(Args)]
pub struct ListArguments {
    /// Only those that hold all of these words, however they are written
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only those that meet a condition, such as "city = 'Austin' and created_at > 90days"
    #[arg(long = "where", value_name = "FILTER")]
    condition: Option<String>,
    /// Only those with this tag; several must all be there
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Only contacts in this group, or of this segment
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Sorted by this field; with a minus before it, the largest first
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only those older than this one
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// Leaves out so many at the beginning
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    offset: i64,
    /// Of every tenant, newest first
    #[arg(long, conflicts_with_all = ["sort", "group", "offset", "count"])]
    all_tenants: bool,
    /// Those that were deleted instead
    #[arg(long)]
    deleted: bool,
    /// Says how many there are instead of listing them
    #[arg(long)]
    count: bool,
    /// Fields that are shown, with commas between
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    #[command(flatten)]
    page: Page,
}

impl ListArguments {
    /// Tells whether it reaches over every tenant.
    pub fn is_of_all(&self) -> bool {
        self.all_tenants
    }

    fn wanted(self) -> Wanted {
        Wanted {
            condition: self.condition,
            search: self.search,
            tags: self.tags,
            group: self.group,
            sort: self.sort,
            before: self.before,
            is_deleted: self.deleted,
            offset: self.offset,
            limit: self.page.limit,
        }
    }
}

/// A record with its cells in a list, as the tenant's people write them.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    record: Record,
    #[serde(skip)]
    cells: Vec<String>,
}

pub async fn run(
    context: &Context,
    kind: &'static RecordKind,
    arguments: ListArguments,
    out: &Out,
) -> Result<()> {
    if arguments.count {
        let tenant = context.tenant().await?;
        let number = record::count(&context.app, &tenant, kind, arguments.wanted()).await?;
        let counted = count(u64::try_from(number).unwrap_or(0), kind.word(), kind.plural);
        return out.item(&serde_json::json!({ "count": number }), &[("count", counted)]);
    }
    let (of_all, chosen) = (arguments.all_tenants, arguments.fields.clone());
    let wanted = arguments.wanted();
    let fetch = async |tenant: Tenant| {
        let (schema, found) = record::list(&context.app, &tenant, kind, wanted.clone()).await?;
        listed(&schema, found, &chosen, record::locale(&tenant)?, out)
    };
    let headers = headers(kind, &chosen);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    if of_all {
        let row = |listed: &Listed| listed.cells.clone();
        let shown: (&[&str], _) = (&headers, &row as &dyn Fn(&Listed) -> Vec<String>);
        let newest = |listed: &Listed| Reverse(listed.record.id.clone());
        return follow::merged(context, true, shown, (newest, wanted.limit), fetch, out).await;
    }
    let found = fetch(context.tenant().await?).await?;
    out.list(&headers, &found, |listed| listed.cells.clone())
}

/// Prints records: the fields that are chosen, or those that the kind's list shows.
pub fn print(
    schema: &Schema,
    records: Vec<Record>,
    chosen: &[String],
    locale: Locale,
    out: &Out,
) -> Result<()> {
    let headers = headers(schema.kind, chosen);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let found = listed(schema, records, chosen, locale, out)?;
    out.list(&headers, &found, |listed| listed.cells.clone())
}

fn names<'a>(kind: &RecordKind, chosen: &'a [String]) -> Vec<&'a str> {
    match chosen {
        [] => kind.listed.to_vec(),
        chosen => chosen.iter().map(String::as_str).collect(),
    }
}

fn headers(kind: &RecordKind, chosen: &[String]) -> Vec<String> {
    names(kind, chosen).iter().map(|name| name.replace('_', " ")).chain(["id".to_owned()]).collect()
}

fn listed(
    schema: &Schema,
    records: Vec<Record>,
    chosen: &[String],
    locale: Locale,
    out: &Out,
) -> Result<Vec<Listed>> {
    let names = names(schema.kind, chosen);
    let fields = names.iter().map(|name| schema.field(name)).collect::<Result<Vec<_>>>()?;
    let each = records.into_iter().map(|record| {
        let cell = |field: &&Field| told(field, &value::of(&record, field), locale, |at| out.ago(at));
        let cells = fields.iter().map(cell);
        let cells = cells.chain([record.id.clone()]).collect();
        let values = value::as_json(schema, &record.values);
        Listed { record: Record { values, ..record }, cells }
    });
    Ok(each.collect())
}
