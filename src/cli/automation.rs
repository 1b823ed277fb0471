//! `nexora automation`.

use std::collections::BTreeMap;

use clap::Subcommand;

use crate::base::{Error, Result};
use crate::cli::Context;
use crate::cli::out::{Out, ago, maybe};
use crate::connector::google::scope;
use crate::model::automation::Automation;
use crate::model::connection::Ability;
use crate::ops::automation::{self, AutomationView};

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
    List,
    /// Show a tenant's automation with its settings and steps
    #[command(after_help = "Example:\n  nexora automation show lead-capture --tenant acme")]
    Show { name: String },
}

fn parse_setting(text: &str) -> Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Error::usage(format!("`{text}` is not a setting: write name=value")))?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if let Command::Templates = command {
        let templates = automation::templates(app)?;
        return out.list(
            &["name", "title", "settings", "of Google", "description"],
            &templates,
            |template| {
                let settings: Vec<&str> = template.settings.keys().map(String::as_str).collect();
                vec![
                    template.name.clone(),
                    template.title.clone(),
                    settings.join(" "),
                    template.google.iter().map(|ability| ability.name()).collect::<Vec<_>>().join(" "),
                    template.description.clone(),
                ]
            },
        );
    }
    let tenant = context.tenant().await?;
    match command {
        Command::Templates => Ok(()),
        Command::Enable { name, settings, dry_run } => {
            let given: BTreeMap<String, String> = settings.into_iter().collect();
            let enabled = automation::enable(app, actor, &tenant, &name, &given, dry_run).await?;
            let lines = [
                ("automation", enabled.name.clone()),
                (if dry_run { "would be" } else { "change" }, enabled.change.to_owned()),
                ("version", enabled.version.to_string()),
                ("settings", enabled.settings.as_str().to_owned()),
                ("needs of Google", Ability::in_words(&enabled.google)),
                ("scopes", scope::wanted(&enabled.google).join(" ")),
            ];
            out.item(&enabled, &lines)
        }
        Command::Disable { name } => line(&automation::disable(app, actor, &tenant, &name).await?, out),
        Command::Pause { name } => line(&automation::pause(app, actor, &tenant, &name).await?, out),
        Command::Resume { name } => line(&automation::resume(app, actor, &tenant, &name).await?, out),
        Command::List => {
            let automations = automation::list(app, &tenant).await?;
            out.list(&["name", "state", "version", "changed"], &automations, |automation| {
                vec![
                    automation.name.clone(),
                    automation.state.to_string(),
                    automation.live_version.to_string(),
                    ago(automation.updated_at),
                ]
            })
        }
        Command::Show { name } => show(&automation::find(app, &tenant, &name).await?, out),
    }
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
