//! `nexora tenant`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::automation::parse_setting;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::{Context, apply, undo};
use crate::ops::tenant::{self, NewTenant, deletion, text};
use nexora_core::base::Result;
use nexora_core::base::wording::count;
use nexora_core::model::address::{Country, EmailAddress, Slug, Zone};
use nexora_core::model::principal::{Noun, Permission, Verb};
use nexora_core::model::setting::described;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::tenant_setting::SETTINGS;

#[derive(Subcommand)]
pub enum Command {
    /// Create a tenant
    #[command(after_help = "Example:
  nexora tenant create acme --name \"Acme Plumbing\" --timezone America/Chicago --owner-email owner@acme.com")]
    Create {
        /// Short name, part of the form's address
        slug: Slug,
        /// Name as customers know it
        #[arg(long)]
        name: String,
        /// IANA time zone, such as America/Chicago
        #[arg(long)]
        timezone: Zone,
        /// Who is told of new leads
        #[arg(long, value_name = "EMAIL")]
        owner_email: EmailAddress,
        /// Telephone number that customers may call
        #[arg(long)]
        phone: Option<String>,
        /// Country whose telephone numbers its customers write, in two letters; that of the time zone if not given
        #[arg(long, value_parser = Country::parse)]
        country: Option<Country>,
    },
    /// List tenants
    #[command(after_help = "Example:\n  nexora tenant list --output json")]
    List,
    /// Show a tenant
    #[command(after_help = "Example:\n  nexora tenant show acme")]
    Show { slug: Slug },
    /// Change what is known of a tenant: hours, addresses, links, mode
    #[command(after_help = settings_help())]
    Set {
        slug: Slug,
        /// What is changed, as name=value
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = parse_setting)]
        changes: Vec<(String, String)>,
    },
    /// Suspend a tenant: leads are kept, everything else waits
    #[command(after_help = "Example:\n  nexora tenant suspend acme")]
    Suspend { slug: Slug },
    /// Resume a tenant: what waited goes on
    #[command(after_help = "Example:\n  nexora tenant resume acme")]
    Resume { slug: Slug },
    /// Delete a tenant: all of it is written to files, it is suspended, and its rows go in thirty days
    #[command(after_help = "Examples:
  nexora tenant delete acme --export /srv/acme-2026-12-01
  nexora tenant delete acme --export /srv/acme-2026-12-01 --now

Until the rows go, `nexora tenant restore acme` takes it back. With --now they go at once, for good. docs/PRIVACY.md
says what is in the files.")]
    Delete {
        slug: Slug,
        /// Folder that is made for its rows, photos and audit trail
        #[arg(long, value_name = "DIR", required_unless_present = "without_export")]
        export: Option<PathBuf>,
        /// Write nothing to files
        #[arg(long, conflicts_with = "export")]
        without_export: bool,
        /// Do not wait thirty days: it cannot be taken back
        #[arg(long)]
        now: bool,
    },
    /// Write a tenant as text into a folder: settings, connections without secrets, form, automations, users
    #[command(after_help = "Examples:
  nexora tenant export acme --tenant acme
  cd /etc/nexora/tenants && nexora tenant export acme --tenant acme && git diff
  nexora tenant suspend acme && nexora tenant export acme-moving --tenant acme --with-data

The same tenant gives the same bytes, so that a folder in git shows what was changed. An earlier export of the same tenant is
replaced. `nexora apply -f DIR` brings a tenant to it.")]
    Export(apply::Export),
    /// Take back that a tenant was deleted: it is as it was, and what waited goes on
    #[command(after_help = "Example:\n  nexora tenant restore acme")]
    Restore { slug: Slug },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List => Need::Operator,
            Command::Create { .. } => Need::of(tenant::CREATE),
            Command::Suspend { .. } => Need::of(tenant::SUSPEND),
            Command::Resume { .. } => Need::of(tenant::RESUME),
            Command::Delete { .. } => Need::of(deletion::DELETE),
            Command::Export(_) => Need::of(text::EXPORT),
            Command::Restore { .. } => Need::of(deletion::RESTORE),
            Command::Show { slug } => Need::Named(slug.clone(), Permission(Noun::Tenant, Verb::Read)),
            Command::Set { slug, .. } => Need::named(slug, tenant::SET),
        }
    }
}

fn settings_help() -> String {
    format!(
        "What can be set:\n{}\n\nExamples:\n  nexora tenant set acme quiet_hours=20:00-08:30\n  \
         nexora tenant set acme postal_address=\"12 Main St, Austin, TX 78701\" review_url=https://g.page/r/acme/review",
        described(SETTINGS)
    )
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::Create { slug, name, timezone, owner_email, phone, country } => {
            let new = NewTenant { slug, name, zone: timezone, owner_email, phone, country };
            show(context, &tenant::create(app, actor, new).await?, out)
        }
        Command::List => {
            let tenants = tenant::list(app).await?;
            out.list(&["slug", "name", "state", "timezone", "owner", "created"], &tenants, |tenant| {
                vec![
                    tenant.slug.to_string(),
                    tenant.name.clone(),
                    tenant.state.to_string(),
                    tenant.timezone.clone(),
                    tenant.owner_email.to_string(),
                    out.ago(tenant.created_at),
                ]
            })
        }
        Command::Show { slug } => show(context, &tenant::find(app, &slug).await?, out),
        Command::Set { slug, changes } => {
            let before = tenant::find(app, &slug).await?;
            let after = tenant::set(app, actor, &slug, &changes).await?;
            show(context, &after, out)?;
            let (was, is) = ((before.clone(), before.settings()?), (after.clone(), after.settings()?));
            let words = undo::settings(SETTINGS, &was, &is);
            if !words.is_empty() {
                out.undo(&format!("nexora tenant set {slug} {}", words.join(" ")));
            }
            Ok(())
        }
        Command::Suspend { slug } => {
            show(context, &tenant::suspend(app, actor, &slug).await?, out)?;
            out.undo(&format!("nexora tenant resume {slug}"));
            Ok(())
        }
        Command::Resume { slug } => {
            show(context, &tenant::resume(app, actor, &slug).await?, out)?;
            out.undo(&format!("nexora tenant suspend {slug}"));
            Ok(())
        }
        Command::Delete { slug, export, without_export: _, now } => {
            delete(context, &slug, (export, now), out).await
        }
        Command::Export(arguments) => apply::export(context, arguments, out).await,
        Command::Restore { slug } => show(context, &deletion::restore(app, actor, &slug).await?, out),
    }
}

/// Deletes a tenant, after it was asked.
async fn delete(
    context: &Context,
    slug: &Slug,
    (export, now): (Option<PathBuf>, bool),
    out: &Out,
) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let found = tenant::find(app, slug).await?;
    let when = if now { "at once, and for good" } else { "in thirty days" };
    out.confirm(&format!("this suspends tenant `{slug}` ({}), and all of its data goes {when}", found.name))?;
    let exported = match export {
        Some(folder) => Some(deletion::export(app, actor, slug, &folder).await?),
        None => None,
    };
    let purge_at = match now {
        true => deletion::delete_now(app, actor, slug).await.map(|()| app.clock.now())?,
        false => deletion::delete(app, actor, slug).await?.purge_at,
    };
    let told =
        serde_json::json!({ "tenant": slug, "purge_at": purge_at, "is_gone": now, "export": exported });
    let rows: u64 = exported.iter().flat_map(|exported| exported.rows.values()).sum();
    let written = exported.as_ref().map(|exported| {
        let (rows, photos) = (count(rows, "row", "rows"), count(exported.photos, "photo", "photos"));
        format!("{rows}, {photos} in {}", exported.folder.display())
    });
    let lines = [
        ("tenant", slug.to_string()),
        ("written", written.unwrap_or_default()),
        (if now { "gone at" } else { "goes at" }, out.moment(purge_at)),
    ];
    out.item(&told, &lines)?;
    if !now {
        out.undo(&format!("nexora tenant restore {slug}"));
    }
    out.note("What it was granted elsewhere stays: withdraw Nexora's access in its Google account, and end its webhooks.");
    Ok(())
}

fn show(context: &Context, tenant: &Tenant, out: &Out) -> Result<()> {
    let form = format!("{}/lead/{}", context.app.config.http.public_url, tenant.slug);
    let settings = (tenant.clone(), tenant.settings()?);
    let mut lines = vec![("slug", tenant.slug.to_string()), ("state", tenant.state.to_string())];
    lines.extend(SETTINGS.iter().map(|setting| (setting.name, (setting.get)(&settings))));
    lines.extend([("form", form), ("created", out.moment(tenant.created_at)), ("id", tenant.id.to_string())]);
    out.item(tenant, &lines)
}
