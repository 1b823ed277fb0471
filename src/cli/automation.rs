//! `nexora automation`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::app::registry;
use crate::cli::follow;
use crate::cli::out::{Out, maybe, print};
use crate::cli::permission::Need;
use crate::cli::trial::{self, Test};
use crate::cli::{Context, input};
use crate::config::definitions::{self, Shelf, Text};
use crate::ops::LIST_LIMIT;
use crate::ops::automation::definition;
use crate::ops::automation::version::{self, Other};
use crate::ops::automation::{self, AutomationView, Enabled};
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::Slug;
use nexora_core::model::automation::Automation;
use nexora_core::model::connection::Ability;
use nexora_core::model::event::About;
use nexora_core::model::language::Language;
use nexora_core::model::principal::{Noun, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, JobId, LeadId};
use nexora_engine::automation::reference;
use nexora_google::scope;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// List the automations that can be enabled, with their settings
    #[command(after_help = "Example:\n  nexora automation templates --output json")]
    Templates,
    /// Enable an automation, or change its settings; the same again changes nothing
    #[command(after_help = "Example:
  nexora automation enable lead-capture --tenant acme --set sheet_id=1AbC --set callback_after=1h")]
    Enable {
        name: String,
        /// A setting, as name=value; may be repeated
        #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
        settings: Vec<(String, String)>,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Change settings of an automation, and leave the others as they are
    #[command(after_help = "Example:\n  nexora automation set lead-capture chase_after=1h --tenant acme")]
    Set {
        name: String,
        /// Settings, as name=value
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = parse_setting)]
        settings: Vec<(String, String)>,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Create an automation of your own: write its beginning into the definitions folder
    #[command(alias = "new", after_help = "Example:\n  nexora automation create thank-you --tenant acme")]
    Create {
        name: String,
        /// For all tenants, not only for the one that is named
        #[arg(long)]
        shared: bool,
    },
    /// Say everything that is wrong with a definition, with file and line
    #[command(after_help = "Examples:
  nexora automation validate thank-you --tenant acme
  nexora automation validate ./thank-you.toml")]
    Validate {
        /// A name among the definitions, or a file
        name: String,
    },
    /// Try an automation out on a virtual clock: nothing is sent, written or moved
    Test(Box<Test>),
    /// Start an automation that waits for `manual`, or one that waits for leads with a lead that came while it was off
    #[command(after_help = "Examples:
  nexora automation run thank-you --job job_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme
  nexora automation run lead-capture --lead lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Run {
        name: String,
        #[arg(long, value_name = "ID")]
        contact: Option<ContactId>,
        #[arg(long, value_name = "ID")]
        lead: Option<LeadId>,
        #[arg(long, value_name = "ID")]
        job: Option<JobId>,
    },
    /// List the versions of an automation
    #[command(after_help = "Example:\n  nexora automation history lead-capture --tenant acme")]
    History { name: String },
    /// Compare the live version with the definition as it is now, or with another version
    #[command(after_help = "Examples:
  nexora automation diff lead-capture --tenant acme
  nexora automation diff lead-capture --from 2 --to 3 --tenant acme")]
    Diff {
        name: String,
        /// Version to begin with; the live one when left out
        #[arg(long)]
        from: Option<i32>,
        /// Version to compare with; the definition as it is now when left out
        #[arg(long)]
        to: Option<i32>,
    },
    /// Make an old version live again, as a new one
    #[command(after_help = "Example:\n  nexora automation rollback lead-capture --to 2 --tenant acme")]
    Rollback {
        name: String,
        #[arg(long)]
        to: i32,
    },
    /// Write the live version into a folder, as files that `definitions.folder` can hold
    #[command(after_help = "Example:\n  nexora automation export lead-capture --dir ./acme --tenant acme")]
    Export {
        name: String,
        #[arg(long)]
        dir: PathBuf,
    },
    /// Move runs under way from older versions to the live one
    #[command(after_help = "Example:\n  nexora automation migrate-runs lead-capture --dry-run --tenant acme")]
    MigrateRuns {
        name: String,
        /// Say what would be moved, and move nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print every trigger, action and type of setting, as docs/AUTOMATIONS.md has them
    #[command(after_help = "Example:\n  nexora automation reference")]
    Reference,
    /// Switch an automation off; runs in flight go on
    #[command(after_help = "Example:\n  nexora automation disable lead-capture --tenant acme")]
    Disable { name: String },
    /// Pause an automation: its runs wait
    #[command(after_help = "Example:\n  nexora automation pause lead-capture --tenant acme")]
    Pause { name: String },
    /// Resume an automation: what waited goes on
    #[command(after_help = "Example:\n  nexora automation resume lead-capture --tenant acme")]
    Resume { name: String },
    /// List a tenant's automations
    #[command(after_help = "Example:\n  nexora automation list --tenant acme")]
    List {
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
    },
    /// Show a tenant's automation with its settings and steps
    #[command(after_help = "Example:\n  nexora automation show lead-capture --tenant acme")]
    Show { name: String },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Reference => Need::Nothing,
            Command::List { all_tenants: true } | Command::Create { shared: true, .. } => Need::Operator,
            Command::Create { .. } => Need::may(Noun::Automation, Verb::Create),
            Command::Test(_) => Need::read_with_people(Noun::Automation),
            Command::Templates
            | Command::Validate { .. }
            | Command::History { .. }
            | Command::Diff { .. }
            | Command::Export { .. }
            | Command::List { .. }
            | Command::Show { .. } => Need::read(Noun::Automation),
            Command::Run { .. } => Need::of(version::RUN),
            Command::Enable { .. } => Need::of(automation::ENABLE),
            Command::Set { .. } => Need::of(automation::SET),
            Command::Rollback { .. } => Need::of(version::ROLLBACK),
            Command::MigrateRuns { .. } => Need::of(version::MIGRATE_RUNS),
            Command::Disable { .. } => Need::of(automation::DISABLE),
            Command::Pause { .. } => Need::of(automation::PAUSE),
            Command::Resume { .. } => Need::of(automation::RESUME),
        }
    }
}

pub fn parse_setting(text: &str) -> Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Error::usage(format!("`{text}` is not a setting: write name=value")))?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Reads a definition from a file.
///
/// # Errors
/// `Usage` when it cannot be read.
pub fn source_of(path: &Path) -> Result<Text> {
    Ok(Text { file: path.display().to_string(), text: input::text(path)? })
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match &command {
        Command::Reference => return print(reference::text(registry::connectors().facts()).trim_end()),
        Command::Validate { name } => return validate(context, name, out).await,
        Command::Create { name, shared } => return scaffold(context, name, *shared, out).await,
        Command::List { all_tenants } => return list(context, *all_tenants, out).await,
        _ => {}
    }
    if let Command::Templates = command {
        return list_templates(context, out).await;
    }
    let tenant = context.tenant().await?;
    match command {
        Command::Templates | Command::Reference | Command::Validate { .. } | Command::Create { .. } => Ok(()),
        Command::Enable { name, settings, dry_run } => {
            let given: BTreeMap<String, String> = settings.into_iter().collect();
            let enabled = automation::enable(app, actor, &tenant, &name, &given, dry_run).await?;
            show_enabled(&enabled, dry_run, out)?;
            if !dry_run {
                undo_of(&enabled, &tenant, out);
            }
            Ok(())
        }
        Command::Set { name, settings, dry_run } => {
            let changes: BTreeMap<String, String> = settings.into_iter().collect();
            let enabled = automation::set(app, actor, &tenant, &name, &changes, dry_run).await?;
            show_enabled(&enabled, dry_run, out)?;
            if !dry_run {
                undo_of(&enabled, &tenant, out);
            }
            Ok(())
        }
        Command::Test(test) => trial::test(context, *test, out).await,
        Command::Run { name, contact, lead, job } => {
            let about = About { contact_id: contact, lead_id: lead, job_id: job };
            version::start(app, actor, &tenant, &name, about).await?;
            let words = format!("`{name}` starts; see `nexora run list --tenant {}`", tenant.slug);
            out.done(&json!({ "automation": name, "started": true }), &words)
        }
        Command::History { name } => {
            let versions = version::history(app, &tenant, &name).await?;
            out.list(&["version", "made", "by"], &versions, |version| {
                vec![version.number.to_string(), out.ago(version.created_at), version.created_by.clone()]
            })
        }
        Command::Diff { name, from, to } => {
            let other = to.map_or(Other::Disk, Other::Version);
            let diff = version::diff(app, &tenant, &name, from, other).await?;
            match (out.is_json(), diff.is_empty()) {
                (true, _) => out.json(&json!({ "diff": diff })),
                (false, true) => {
                    out.note("the two versions are the same");
                    Ok(())
                }
                (false, false) => print(diff.trim_end()),
            }
        }
        Command::Rollback { name, to } => {
            show_enabled(&version::rollback(app, actor, &tenant, &name, to).await?, false, out)
        }
        Command::Export { name, dir } => {
            let written = version::export(app, &tenant, &name, &dir).await?;
            out.list(&["file"], &written, |path| vec![path.display().to_string()])
        }
        Command::MigrateRuns { name, dry_run } => {
            let moved = version::migrate_runs(app, actor, &tenant, &name, dry_run).await?;
            out.list(&["run", "from", "to", "goes on with", "refused"], &moved, |moved| {
                vec![
                    moved.run.to_string(),
                    moved.from.to_string(),
                    moved.to.to_string(),
                    moved.step.clone(),
                    maybe(moved.refused.as_ref()),
                ]
            })
        }
        Command::Disable { name } => {
            line(&automation::disable(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora automation resume {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::Pause { name } => {
            line(&automation::pause(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora automation resume {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::Resume { name } => {
            line(&automation::resume(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora automation pause {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::List { .. } => Err(Error::internal("automations are listed elsewhere")),
        Command::Show { name } => show(&automation::find(app, &tenant, &name).await?, out),
    }
}

async fn list_templates(context: &Context, out: &Out) -> Result<()> {
    let (templates, wrong) = automation::templates(&context.app, &shelf(context).await?);
    for name in wrong {
        out.note(&format!("`{name}` has faults; see `nexora automation validate {name}`"));
    }
    out.list(&["name", "title", "settings", "of Google", "description"], &templates, |template| {
        let settings: Vec<&str> = template.settings.keys().map(String::as_str).collect();
        vec![
            template.name.clone(),
            template.title.clone(),
            settings.join(" "),
            template.google.iter().map(|ability| ability.name()).collect::<Vec<_>>().join(" "),
            template.description.clone(),
        ]
    })
}

fn show_enabled(enabled: &Enabled, dry_run: bool, out: &Out) -> Result<()> {
    let lines = [
        ("automation", enabled.name.clone()),
        (if dry_run { "would be" } else { "change" }, enabled.change.to_owned()),
        ("state", enabled.state.to_string()),
        ("version", enabled.version.to_string()),
        ("settings", enabled.settings.as_str().to_owned()),
        ("needs of Google", Ability::in_words(&enabled.google)),
        ("scopes", scope::wanted(&enabled.google).join(" ")),
    ];
    out.item(enabled, &lines)
}

async fn validate(context: &Context, name: &str, out: &Out) -> Result<()> {
    let shelf = shelf(context).await?;
    let text = match name.contains(['/', '.']) {
        true => source_of(Path::new(name))?,
        false => shelf.automation(name)?,
    };
    let faults = definition::faults(&shelf, context.app.connectors().facts(), &text)?;
    if out.is_json() {
        out.json(&faults)?;
    } else {
        for fault in &faults {
            print(&fault.to_string())?;
        }
    }
    if faults.is_empty() {
        out.note(&format!("`{name}` is valid"));
        return Ok(());
    }
    Err(Error::usage(format!("`{name}` has {}", count(faults.len(), "fault", "faults"))))
}

/// Returns what the tenant can use that is meant, if it is said or there is only one; else what every one can.
async fn shelf(context: &Context) -> Result<Shelf> {
    let definitions = &context.app.config.definitions;
    match context.tenant().await {
        Ok(tenant) => definitions.of(&tenant),
        Err(_) if context.global.tenant.is_none() => Ok(definitions.common()),
        Err(error) => Err(error),
    }
}

async fn list(context: &Context, all_tenants: bool, out: &Out) -> Result<()> {
    let headers = ["name", "state", "version", "changed"];
    let row = |automation: &Automation| {
        vec![
            automation.name.clone(),
            automation.state.to_string(),
            automation.live_version.to_string(),
            out.ago(automation.updated_at),
        ]
    };
    let app = &context.app;
    let fetch = async |tenant: Tenant| app.view(&tenant, |tx| store::automation::list(tx, LIST_LIMIT)).await;
    follow::everywhere(context, all_tenants, (&headers, &row), fetch, out).await
}

/// Names what takes an automation's change back.
fn undo_of(enabled: &Enabled, tenant: &Tenant, out: &Out) {
    let (name, slug) = (&enabled.name, &tenant.slug);
    match enabled.change {
        "new version" => {
            out.undo(&format!(
                "nexora automation rollback {name} --to {} --tenant {slug}",
                enabled.version - 1
            ));
        }
        "created" | "resumed" => out.undo(&format!("nexora automation disable {name} --tenant {slug}")),
        _ => {}
    }
}

async fn scaffold(context: &Context, name: &str, shared: bool, out: &Out) -> Result<()> {
    let _: Slug = name.parse()?;
    let folder = &context.app.config.definitions.folder;
    if folder.as_os_str().is_empty() {
        let file = context.global.config.display();
        return Err(Error::config("there is no folder for definitions").hint(format!(
            "make one, and name it in `{file}`: under `[definitions]`, folder = \"/etc/nexora/definitions\""
        )));
    }
    let (folder, language) = match shared {
        true => (folder.clone(), Language::English),
        false => {
            let tenant = context.tenant().await?;
            (folder.join("tenants").join(tenant.slug.as_str()), tenant.language()?)
        }
    };
    let texts = version::beginning(name, language)?;
    if let Some(there) = texts.iter().map(|text| folder.join(&text.file)).find(|path| path.exists()) {
        return Err(Error::conflict(format!("`{}` is there already", there.display()))
            .hint("edit it, or choose another name"));
    }
    for text in texts {
        let path = folder.join(&text.file);
        file::write(&path, &text.text, Kind::Usage)?;
        print(&path.display().to_string())?;
    }
    if definitions::built_in_automation(name).is_some() {
        out.note(&format!("\n`{name}` comes with the program; these files take its place from now on."));
    }
    let tenant = context.global.tenant.as_ref().map(|slug| format!(" --tenant {slug}")).unwrap_or_default();
    let commands =
        ["validate", "test", "enable"].map(|verb| format!("\n  nexora automation {verb} {name}{tenant}"));
    out.note(&format!("\nEdit them, then run:{}", commands.concat()));
    Ok(())
}

fn line(automation: &Automation, out: &Out) -> Result<()> {
    out.item(automation, &[("automation", automation.name.clone()), ("state", automation.state.to_string())])
}

fn show(view: &AutomationView, out: &Out) -> Result<()> {
    let automation = &view.automation;
    let lines = [
        ("name", automation.name.clone()),
        ("title", view.title.clone()),
        ("state", automation.state.to_string()),
        ("version", automation.live_version.to_string()),
        ("settings", view.settings.as_str().to_owned()),
        ("needs of Google", Ability::in_words(&view.google)),
        ("scopes", scope::wanted(&view.google).join(" ")),
        ("id", automation.id.to_string()),
    ];
    out.item(view, &lines)?;
    let steps =
        view.steps.iter().map(|step| vec![step.id.clone(), step.action.clone(), maybe(step.when.as_ref())]);
    out.section("Steps", &["step", "action", "when"], steps.collect())
}
