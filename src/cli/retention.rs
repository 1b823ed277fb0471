//! `nexora retention`.

use clap::Subcommand;

use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::report::retention;
use nexora_core::base::Result;
use nexora_core::model::principal::Noun;

#[derive(Subcommand)]
pub enum Command {
    /// Say for how long each kind of data is kept, by whose word, and how much there is of it
    #[command(after_help = "Examples:
  nexora retention report --tenant acme
  nexora retention report --all-tenants --output json
  nexora tenant set acme keep_people=1095 keep_messages=730

What is kept no longer goes within hours, while the daemon runs. docs/PRIVACY.md says what each kind holds.")]
    Report {
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Report { all_tenants } => Need::read_one_or_all(!all_tenants, Noun::Tenant),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Report { all_tenants } => {
            let mut kinds = Vec::new();
            for tenant in context.tenants(all_tenants).await? {
                kinds.extend(retention::of(&context.app, &tenant).await?);
            }
            let headers = ["tenant", "kind", "kept for", "as says", "rows", "oldest", "over"];
            out.list(&headers, &kinds, |kind| {
                vec![
                    kind.tenant.to_string(),
                    kind.kind.to_string(),
                    kind.days.map_or_else(|| "ever".to_owned(), |days| format!("{days} days")),
                    if kind.is_own { "the tenant" } else { "the configuration" }.to_owned(),
                    kind.rows.to_string(),
                    kind.oldest.map(|at| out.ago(at)).unwrap_or_default(),
                    kind.over.to_string(),
                ]
            })
        }
    }
}
