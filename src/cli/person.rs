//! What a person may ask for, of `nexora contact` and `nexora lead`: an export, or to be forgotten.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Context;
use crate::cli::out::Out;
use crate::domain::contact::erasure::Forgotten;
use crate::domain::contact::person::Named;
use crate::ops::contact::erasure;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::erasure::{Erasure, Outside};

#[derive(Args)]
pub struct ExportArguments {
    /// Folder that is made for it
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

#[derive(Args)]
pub struct ForgetArguments {
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Writes everything about a person into a folder.
pub async fn export(context: &Context, named: Named, arguments: &ExportArguments, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let folder = &arguments.to;
    if folder.exists() {
        return Err(Error::conflict(format!("`{}` is there already", folder.display()))
            .hint("name a folder that is not: it is made for the export"));
    }
    let export = erasure::export(&context.app, &context.actor, &tenant, &named).await?;
    let photos = folder.join("photos");
    make(if export.photos.is_empty() { folder } else { &photos })?;
    for (id, content) in &export.photos {
        file::write(&photos.join(format!("{id}.{}", ending(content))), content, Kind::Usage)?;
    }
    let text = serde_json::to_string_pretty(&export.document)
        .map_err(|error| Error::internal("the export has no JSON form").source(error))?;
    let document = folder.join("person.json");
    file::write(&document, text.as_bytes(), Kind::Usage)?;
    let told = serde_json::json!({ "document": document, "photos": export.photos.len() });
    let lines = [
        ("document", document.display().to_string()),
        ("photos", count(export.photos.len(), "photo", "photos")),
    ];
    out.item(&told, &lines)
}

fn make(folder: &Path) -> Result<()> {
    file::make_folders(folder).map_err(|error| file::unwritable(folder, Kind::Usage, error))
}

/// Tells the ending of a picture's name by how it begins.
fn ending(content: &[u8]) -> &'static str {
    match content {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'R', b'I', b'F', b'F', ..] => "webp",
        _ => "jpg",
    }
}

/// Forgets a person, after it was said what goes.
pub async fn forget(context: &Context, named: Named, arguments: &ForgetArguments, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    let planned = erasure::plan(app, actor, &tenant, &named).await?;
    if arguments.dry_run {
        return show(&planned, "would go", out);
    }
    let rows: i64 = planned.erased.values().sum();
    let rows = count(rows, "row", "rows");
    out.confirm(&format!("this forgets everything about the person: {rows}, for good"))?;
    let done = erasure::forget(app, actor, &tenant, &named).await?;
    show(&done, "is gone", out)?;
    out.note(
        "\nBackups from before still hold it, and so does what is in other places. After a restore, forget them again: \
         `nexora contact receipts` lists who was forgotten.",
    );
    Ok(())
}

fn show(told: &Forgotten, verb: &str, out: &Out) -> Result<()> {
    let lines = [
        ("receipt", told.receipt.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("at", out.moment(told.at)),
        ("by", told.by.clone()),
    ];
    out.item(told, &lines)?;
    let erased = told.erased.iter().map(|(kind, rows)| vec![kind.clone(), rows.to_string()]);
    out.section(&format!("What {verb}"), &["kind", "rows"], erased.collect())?;
    outside(&told.outside, out)
}

fn outside(all: &[Outside], out: &Out) -> Result<()> {
    let rows = all
        .iter()
        .map(|one| vec![one.what.clone(), one.connection.clone(), one.place.clone(), one.id.clone()]);
    out.section(
        "In other places, where a person has to remove it",
        &["what", "connection", "where", "id"],
        rows.collect(),
    )
}

/// Lists the receipts of people who were forgotten.
pub async fn receipts(context: &Context, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let all = erasure::receipts(&context.app, &tenant).await?;
    out.list(&["at", "by", "of", "rows", "receipt"], &all, |receipt: &Erasure| {
        let erased: std::collections::BTreeMap<String, i64> = receipt.erased.read().unwrap_or_default();
        vec![
            out.ago(receipt.at),
            receipt.actor.clone(),
            receipt.subject.clone(),
            erased.values().sum::<i64>().to_string(),
            receipt.id.to_string(),
        ]
    })
}
