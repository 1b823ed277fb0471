//! `nexora apply`, and the text that it is given by `nexora tenant export`.

use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use clap::Args;
use serde::Serialize;

use crate::cli::out::Out;
use crate::cli::{Context, input};
use crate::ops::tenant;
use crate::ops::tenant::data::export as data;
use crate::ops::tenant::text;
use crate::ops::tenant::text::apply::{self, Wish};
use crate::ops::tenant::text::plan::{Change, Plan};
use nexora_core::base::wording::count;
use nexora_core::base::{Kind, Result};
use nexora_core::model::address::Slug;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora apply -f acme --dry-run
  nexora apply -f acme --prune
  nexora apply -f acme --tenant acme-two
  nexora apply -f acme --with-data --passphrase-file passphrase.txt

The folder is what `nexora tenant export` writes; docs/OPERATING.md, \"A tenant as text\", says what is in it. All of it is applied
or, where anything in it is wrong, nothing. The same folder twice changes nothing.")]
pub struct Apply {
    /// Folder with the tenant as text
    #[arg(long, short, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Take away what the tenant has and the folder does not name
    #[arg(long)]
    prune: bool,
    /// Put in the tenant's rows, too, which `nexora tenant export --with-data` wrote; it is suspended then until you resume it
    #[arg(long)]
    with_data: bool,
    /// File whose first line is the passphrase that the secrets were sealed with; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "with_data")]
    passphrase_file: Option<PathBuf>,
}

pub async fn run(context: &Context, arguments: Apply, out: &Out) -> Result<()> {
    let Apply { file, dry_run, prune, with_data, passphrase_file } = arguments;
    let passphrase =
        passphrase_file.map(|file| input::secret("Passphrase: ", Some(&file), true)).transpose()?;
    let slug = context.global.tenant.clone();
    let wish = Wish { folder: file, slug, prune, dry_run, with_data, passphrase };
    if !dry_run {
        ask(context, &wish, out).await?;
    }
    let plan = apply::apply(&context.app, &context.actor, &wish).await?;
    show(&plan, out)?;
    for (what, sentence, secret) in &plan.shown_once {
        out.ask(&format!("\n{what}: {sentence}\n  {}", secret.expose()));
    }
    Ok(())
}

/// Asks before something goes, and before one tenant's folder is applied to another that is there.
async fn ask(context: &Context, wish: &Wish, out: &Out) -> Result<()> {
    if let (Some(slug), Some(written)) = (&wish.slug, text::slug_of(&wish.folder)?)
        && *slug != written
        && is_there(context, slug).await?
    {
        out.confirm(&format!("this applies the folder of tenant `{written}` to tenant `{slug}`"))?;
    }
    if !wish.prune {
        return Ok(());
    }
    let wish = Wish { dry_run: true, ..wish.clone() };
    let planned = apply::apply(&context.app, &context.actor, &wish).await?;
    let going =
        planned.changes.iter().filter(|line| matches!(line.change, Change::Delete | Change::SwitchOff));
    let going: Vec<String> =
        going.map(|line| format!("{} {} {}", line.change, line.noun, line.name)).collect();
    match going.is_empty() {
        true => Ok(()),
        false => out.confirm(&format!("this takes away what the folder does not name: {}", going.join(", "))),
    }
}

async fn is_there(context: &Context, slug: &Slug) -> Result<bool> {
    match tenant::find(&context.app, slug).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == Kind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn show(plan: &Plan, out: &Out) -> Result<()> {
    if out.is_json() {
        return out.json(plan);
    }
    let color = |change: Change| match change {
        Change::Create => AnsiColor::Green,
        Change::Change => AnsiColor::Yellow,
        Change::Delete | Change::SwitchOff => AnsiColor::Red,
    };
    if plan.changes.is_empty() {
        out.line("nothing to change")?;
    } else {
        out.list(&["change", "what", "name", "parts"], &plan.changes, |line| {
            let change = out.colored(line.change.name(), color(line.change));
            vec![change, line.noun.to_owned(), line.name.clone(), line.parts.join("; ")]
        })?;
    }
    for left in &plan.left_over {
        out.note(&format!("left over: {left}, which the folder does not name; `--prune` takes it away"));
    }
    let rows: Vec<Vec<String>> =
        plan.missing.iter().map(|missing| vec![missing.what.clone(), missing.command.clone()]).collect();
    out.section("Yet to be given:", &["what", "command"], rows)?;
    if let Some(command) = &plan.held {
        out.note(&format!(
            "It is suspended: leads are kept, and nothing goes out. When no other installation works for it: {command}"
        ));
    }
    if plan.dry_run && !plan.changes.is_empty() {
        out.note("Nothing was changed: this is what would be.");
    }
    Ok(())
}

/// What was written.
#[derive(Serialize)]
struct Exported<'a> {
    tenant: &'a Slug,
    folder: &'a Path,
    files: Vec<String>,
}

/// What `nexora tenant export` is given.
#[derive(Args)]
pub struct Export {
    /// Folder that is made, or an earlier export of the same tenant
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,
    /// Write its rows, too, to move it to another installation; it has to be suspended
    #[arg(long)]
    with_data: bool,
    /// File whose first line is a passphrase that seals its secrets, which travel then; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "with_data")]
    passphrase_file: Option<PathBuf>,
    /// Leave behind addresses that are not written to and are known by their hash alone
    #[arg(long, requires = "with_data")]
    drop_unknown_suppressions: bool,
}

/// Writes a tenant as text, and its rows.
pub async fn export(context: &Context, arguments: Export, out: &Out) -> Result<()> {
    let Export { folder, with_data, passphrase_file, drop_unknown_suppressions } = arguments;
    let folder = folder.as_path();
    let tenant = context.tenant().await?;
    if with_data {
        let passphrase =
            passphrase_file.map(|file| input::secret("Passphrase: ", Some(&file), true)).transpose()?;
        let wish = data::Wish { passphrase, drop_unknown_suppressions };
        let written = data::export(&context.app, &context.actor, &tenant.slug, folder, wish).await?;
        return show_data(&written, &tenant.slug, folder, out);
    }
    let files = text::export(&context.app, &context.actor, &tenant.slug, folder).await?;
    let lines = [
        ("tenant", tenant.slug.to_string()),
        ("folder", folder.display().to_string()),
        ("files", count(files.len() as u64, "file", "files")),
    ];
    out.item(&Exported { tenant: &tenant.slug, folder, files }, &lines)?;
    out.note("Secrets are not in it. `nexora apply -f` it, here or on another machine.");
    Ok(())
}

fn show_data(written: &data::Written, slug: &Slug, folder: &Path, out: &Out) -> Result<()> {
    let rows: u64 = written.rows.values().sum();
    let lines = [
        ("tenant", slug.to_string()),
        ("folder", folder.display().to_string()),
        ("files", count(written.files.len() as u64, "file", "files")),
        ("data", count(rows, "row", "rows")),
        ("secrets", if written.has_secrets { "sealed" } else { "left behind" }.to_owned()),
        (
            "left behind",
            match written.dropped_suppressions {
                0 => String::new(),
                dropped => count(dropped, "suppressed address", "suppressed addresses"),
            },
        ),
    ];
    out.item(written, &lines)?;
    out.note(&format!(
        "\nNext, where it goes:\n  nexora apply -f {} --with-data    puts it in, suspended\n  nexora tenant resume {slug}    \
         lets it go to work there\nLeave it suspended here: of two that work, each sends everything.",
        folder.display()
    ));
    Ok(())
}
