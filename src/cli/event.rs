//! `nexora event`.

use clap::Subcommand;

use crate::cli::follow::{self, Shown};
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Narrowed};
use crate::ops::automation::event;
use nexora_core::base::{Error, Result};
use nexora_core::model::EventId;
use nexora_core::model::event::{Event, EventKind, EventState};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_store as store;
use nexora_store::event::Filter;

#[derive(Subcommand)]
pub enum Command {
    /// List what arrived for a tenant, latest first
    #[command(after_help = "Example:\n  nexora event list --tenant acme --kind gmail.message")]
    List {
        /// Only events of this kind
        #[arg(long)]
        kind: Option<EventKind>,
        /// Only events in this state: pending, dispatched or ignored
        #[arg(long)]
        state: Option<EventState>,
        /// Only events older than this one
        #[arg(long, value_name = "ID")]
        before: Option<EventId>,
        /// Only what is about people who came by this source, as `lead list` shows it: form, google-ads, …
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Take in an event by hand, as another program would tell it: `webhook.received`
    #[command(
        after_help = "Example:\n  nexora event ingest part.arrived --data '{\"email\": \"jo@example.com\"}' --tenant acme"
    )]
    Ingest {
        /// Name of the event, as triggers have it
        name: String,
        /// What it says, as a JSON object; `email` or `phone` in it finds the contact
        #[arg(long, default_value = "{}", value_name = "JSON")]
        data: String,
        /// Names it, so that the same again changes nothing
        #[arg(long)]
        key: Option<String>,
    },
    /// Have an event looked at again: automations that were enabled or mended since begin with it
    #[command(
        after_help = "Example:\n  nexora event replay event_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --yes"
    )]
    Replay { id: EventId },
    /// Show an event with all that it says
    #[command(after_help = "Example:\n  nexora event show event_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: EventId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { narrowed, .. } => narrowed.need(Noun::Event),
            Command::Show { .. } => Need::read(Noun::Event),
            Command::Ingest { .. } => Need::of(event::INGEST),
            Command::Replay { .. } => Need::of(event::REPLAY),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let app = &context.app;
    match command {
        Command::List { kind, state, before, source, narrowed } => {
            let filter =
                Filter { kind, state, before, source, search: narrowed.search.clone(), ..Filter::default() };
            list(context, &filter, &narrowed, out).await
        }
        Command::Ingest { name, data, key } => {
            let tenant = context.tenant().await?;
            let data = serde_json::from_str(&data)
                .map_err(|error| Error::usage("`--data` is not JSON").source(error))?;
            let event = event::ingest(app, &context.actor, &tenant, name, data, key).await?;
            out.item(&event, &[("kind", event.kind.to_string()), ("id", event.id.to_string())])
        }
        Command::Replay { id } => {
            let tenant = context.tenant().await?;
            out.confirm(&format!(
                "this replays event `{id}` of tenant `{}`; automations that have run on it do not run again",
                tenant.slug
            ))?;
            let event = event::replay(app, &context.actor, &tenant, &id).await?;
            out.item(&event, &[("state", event.state.to_string()), ("id", event.id.to_string())])
        }
        Command::Show { id } => {
            let tenant = context.tenant().await?;
            let event = event::find(app, &tenant, &id).await?;
            let payload: serde_json::Value = event.payload.read()?;
            let lines = [
                ("kind", event.kind.to_string()),
                ("received", out.moment(event.received_at)),
                ("state", event.state.to_string()),
                ("reason", maybe(event.reason.as_ref())),
                ("payload", format!("{payload:#}")),
                ("id", event.id.to_string()),
            ];
            out.item(&event, &lines)
        }
    }
}

async fn list(context: &Context, filter: &Filter, narrowed: &Narrowed, out: &Out) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    let shown = Shown {
        headers: &["received", "kind", "state", "reason", "id"],
        row: &|event: &Event| {
            vec![
                out.ago(event.received_at),
                event.kind.to_string(),
                event.state.to_string(),
                maybe(event.reason.as_ref()),
                event.id.to_string(),
            ]
        },
        id: &|event| event.id.to_string(),
    };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after = after.as_deref().map(EventId::parse).transpose()?;
        let filter = Filter { span, after, ..filter.clone() };
        app.view(&tenant, move |tx| store::event::list(tx, &filter, limit)).await
    };
    follow::list(context, narrowed, shown, fetch, out).await
}
