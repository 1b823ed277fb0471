//! `nexora group`: contacts that were put together; and `nexora segment`: all contacts that meet a condition.

use clap::Subcommand;

use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::record::{self as records, Group};
use crate::cli::{Context, Page};
use crate::ops::record::group::{self, Way};
use crate::ops::record::{self, Wanted};
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::principal::{Noun, Permission, Verb};
use nexora_core::model::record::{CONTACT, GROUP};
use nexora_core::model::tenant::Tenant;

#[derive(Subcommand)]
pub enum Command {
    #[command(flatten)]
    Records(records::Command<Group>),
    /// Put contacts into a group
    #[command(after_help = "Example:\n  nexora group add vip jo@example.com --tenant acme")]
    Add {
        #[arg(value_name = "GROUP")]
        group: String,
        /// Contacts, each by id, mail address, telephone number or name
        #[arg(required = true, value_name = "CONTACT")]
        contacts: Vec<String>,
    },
    /// Take contacts out of a group
    #[command(after_help = "Example:\n  nexora group remove vip jo@example.com --tenant acme")]
    Remove {
        #[arg(value_name = "GROUP")]
        group: String,
        #[arg(required = true, value_name = "CONTACT")]
        contacts: Vec<String>,
    },
    /// List the contacts in a group
    #[command(after_help = "Example:\n  nexora group members vip --tenant acme")]
    Members {
        #[arg(value_name = "GROUP")]
        group: String,
        #[command(flatten)]
        page: Page,
    },
}

#[derive(Subcommand)]
pub enum SegmentCommand {
    /// Save a filter as a segment; it can be used wherever a group can
    #[command(after_help = "Example:
  nexora segment create dormant --where \"city = 'Austin' and last_lead_at > 90days\" --tenant acme")]
    Create {
        name: String,
        #[arg(long = "where", value_name = "FILTER")]
        condition: String,
    },
    /// List the segments
    #[command(after_help = "Example:\n  nexora segment list --tenant acme")]
    List {
        #[command(flatten)]
        page: Page,
    },
    /// List the contacts that are in a segment now
    #[command(after_help = "Example:\n  nexora segment members dormant --tenant acme")]
    Members {
        #[arg(value_name = "SEGMENT")]
        segment: String,
        #[command(flatten)]
        page: Page,
    },
    /// Change what a segment's contacts meet
    #[command(
        after_help = "Example:\n  nexora segment set dormant --where \"last_lead_at > 180days\" --tenant acme"
    )]
    Set {
        #[arg(value_name = "SEGMENT")]
        segment: String,
        #[arg(long = "where", value_name = "FILTER")]
        condition: String,
    },
    /// Delete a segment; its contacts stay
    #[command(after_help = "Example:\n  nexora segment delete dormant --tenant acme")]
    Delete {
        #[arg(value_name = "SEGMENT")]
        segment: String,
    },
}

fn read_members() -> Need {
    Need::Tenant([Noun::Group, Noun::Contact].map(|noun| Permission(noun, Verb::Read)).to_vec())
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Records(command) => command.need(),
            Command::Add { .. } => Need::of(group::ADD),
            Command::Remove { .. } => Need::of(group::REMOVE),
            Command::Members { .. } => read_members(),
        }
    }
}

impl SegmentCommand {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            SegmentCommand::Create { .. } => Need::of(record::create_of(&GROUP)),
            SegmentCommand::List { .. } => Need::read(Noun::Group),
            SegmentCommand::Members { .. } => read_members(),
            SegmentCommand::Set { .. } => Need::of(record::set_of(&GROUP)),
            SegmentCommand::Delete { .. } => Need::of(record::delete_of(&GROUP)),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let (name, contacts, way) = match command {
        Command::Records(command) => return records::run(context, command, out).await,
        Command::Members { group, page } => return members(context, group, page, out).await,
        Command::Add { group, contacts } => (group, contacts, Way::In),
        Command::Remove { group, contacts } => (group, contacts, Way::Out),
    };
    let tenant = context.tenant().await?;
    let people = contacts.iter().map(|contact| records::shell_quoted(contact)).collect::<Vec<_>>().join(" ");
    let moved = group::change(app, actor, &tenant, &name, contacts, way).await?;
    let (done, undo) = match way {
        Way::In => ("put into", "remove"),
        Way::Out => ("taken out of", "add"),
    };
    let number = count(moved, "contact was", "contacts were");
    out.item(
        &serde_json::json!({ "group": name, "moved": moved }),
        &[("done", format!("{number} {done} `{name}`"))],
    )?;
    if moved > 0 {
        out.undo(&format!(
            "nexora group {undo} {} {people} --tenant {}",
            records::shell_quoted(&name),
            tenant.slug
        ));
    }
    Ok(())
}

pub async fn run_segment(context: &Context, command: SegmentCommand, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    let condition = |text: String| ("condition".to_owned(), text);
    match command {
        SegmentCommand::Create { name, condition: text } => {
            let changes = vec![("name".to_owned(), name), condition(text)];
            let new = record::create(app, actor, &tenant, &GROUP, changes).await?;
            records::show_again(context, &tenant, &GROUP, &new, out).await?;
            out.undo(&format!("nexora segment delete {} --tenant {}", new.id, tenant.slug));
            Ok(())
        }
        SegmentCommand::List { page } => {
            let wanted =
                Wanted { condition: Some("condition is not empty".to_owned()), ..Wanted::newest(page.limit) };
            let (schema, found) = record::list(app, &tenant, &GROUP, wanted).await?;
            let shown = ["name".to_owned(), "condition".to_owned()];
            records::list::print(&schema, found, &shown, record::locale(&tenant)?, out)
        }
        SegmentCommand::Members { segment, page } => members(context, segment, page, out).await,
        SegmentCommand::Set { segment, condition: text } => {
            require_segment(context, &tenant, &segment).await?;
            let (before, after) =
                record::set(app, actor, &tenant, &GROUP, &segment, vec![condition(text)]).await?;
            records::show_again(context, &tenant, &GROUP, &after, out).await?;
            let was = records::shell_quoted(before.text("condition").unwrap_or_default());
            out.undo(&format!("nexora segment set {} --where {was} --tenant {}", after.id, tenant.slug));
            Ok(())
        }
        SegmentCommand::Delete { segment } => {
            require_segment(context, &tenant, &segment).await?;
            let gone = record::delete(app, actor, &tenant, &GROUP, &segment).await?;
            out.done(&gone, &format!("segment `{}` was deleted", gone.name(&GROUP)))?;
            out.undo(&format!("nexora group restore {} --tenant {}", gone.id, tenant.slug));
            Ok(())
        }
    }
}

/// Checks that a group is one with a condition.
async fn require_segment(context: &Context, tenant: &Tenant, wanted: &str) -> Result<()> {
    let (_, found) = record::find(&context.app, tenant, &GROUP, wanted).await?;
    match found.text("condition") {
        Some(_) => Ok(()),
        None => Err(Error::conflict(format!("`{wanted}` is a group, into which contacts are put"))
            .hint(format!("run `nexora group show {wanted} --tenant {}`", tenant.slug))),
    }
}

async fn members(context: &Context, group: String, page: Page, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let wanted = Wanted { group: Some(group), ..Wanted::newest(page.limit) };
    let (schema, found) = record::list(&context.app, &tenant, &CONTACT, wanted).await?;
    records::list::print(&schema, found, &[], record::locale(&tenant)?, out)
}
