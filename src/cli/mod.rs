//! The command line: arguments in, text or JSON out. A handler parses, calls one operation, prints.

mod alert;
mod apply;
mod appointment;
mod audit;
mod authorization;
mod automation;
mod backup;
mod books;
mod bulk;
mod complete;
mod connection;
mod contact;
mod cursor;
mod demo;
mod doctor;
mod effect;
mod event;
mod explain;
mod follow;
mod form;
mod groups;
mod input;
mod install;
mod job;
mod key;
mod key_file;
mod lead;
mod lead_list;
mod login;
mod message;
mod out;
mod permission;
mod person;
mod progress;
pub mod record;
pub mod reference;
mod restore;
mod retention;
mod role;
mod run;
mod session;
mod source;
pub mod status;
mod system;
mod task;
mod tenant;
mod tls;
mod top;
mod totp;
mod trial;
mod undo;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use chrono_tz::Tz;
use clap::{Args, CommandFactory, Parser, Subcommand};
use out::Out;

use crate::app::App;
use crate::cli::permission::Need;
use crate::config::{Config, DEFAULT_PATH};
use crate::ops;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::{Error, Result};
use nexora_core::model::address::{EmailAddress, Slug, Zone};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Principal};
use nexora_core::model::tenant::Tenant;
use nexora_store::Span;

/// The administrative assistant for small home-services businesses
#[derive(Parser)]
#[command(name = "nexora", version, propagate_version = true, after_help = EXAMPLES, help_template = groups::template(Command::augment_subcommands(clap::Command::new("nexora"))))]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  nexora demo                                   see the whole product work, on this machine alone
  nexora init --dir /etc/nexora --operator you@example.com
  nexora tenant create acme --name \"Acme Plumbing\" --timezone America/Chicago --owner-email owner@acme.com
  nexora serve

Exit status: 0 done, 1 a defect, 2 the command line is wrong, 3 the configuration is wrong, 4 not found, 5 in conflict with
what is there, 6 something is not available now, 7 not permitted, 8 declined, or nobody to ask, 9 some of several failed,
10 something needs a look, 11 something does not work";

/// Where the help of each command shows the options that all have: after its own.
const GLOBAL: &str = "Options of every command";

#[derive(Args, Clone)]
pub struct Global {
    /// Configuration file
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE", env = "NEXORA_CONFIG", hide_env_values = true, default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    /// Tenant to work on; may be left out when there is only one
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "SLUG", env = "NEXORA_TENANT", hide_env_values = true)]
    pub tenant: Option<Slug>,
    /// Act as this user: only what their role permits is done, and it is done in their name
    #[arg(long = "as", global = true, help_heading = GLOBAL, value_name = "EMAIL")]
    pub acting_as: Option<EmailAddress>,
    /// How answers are printed
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = out::Format::Table)]
    pub output: out::Format,
    /// When to use colours; `NO_COLOR` in the environment says never
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, value_name = "WHEN", default_value_t = clap::ColorChoice::Auto)]
    pub color: clap::ColorChoice,
    /// Show moments exactly, in UTC, instead of by the tenant's clocks or as how long ago they are
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub utc: bool,
    /// The zone of the tenant that is worked on, once it is known.
    #[arg(skip)]
    pub zone: Arc<OnceLock<Tz>>,
    /// Print nothing but the answer
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
    /// Say more about what happens
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// Do not ask before something that cannot be undone
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub yes: bool,
    /// Never ask for anything
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub no_input: bool,
}

/// How much of a list is shown.
#[derive(Args)]
pub struct Page {
    /// Rows that are shown at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
}

/// What every list of what happened can be narrowed to, and how it is shown.
#[derive(Args)]
pub struct Narrowed {
    /// Only what happened since then: a day, a moment, or how long ago, such as 3days
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only what happened before then
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Only what holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Of every tenant
    #[arg(long)]
    all_tenants: bool,
    /// Go on with what happens from now on, oldest first, until it is stopped with Ctrl-C
    #[arg(long, conflicts_with = "until")]
    follow: bool,
    #[command(flatten)]
    page: Page,
}

impl Narrowed {
    /// Returns the span of time that is meant, by a tenant's clocks.
    fn span(&self, tenant: &Tenant, now: Timestamp) -> Result<Span> {
        let read =
            |text: &Option<String>| text.as_deref().map(|text| input::past(tenant, text, now)).transpose();
        Ok(Span { since: read(&self.since)?, until: read(&self.until)? })
    }

    /// Returns what looking at a noun needs.
    fn need(&self, noun: Noun) -> Need {
        if self.all_tenants { Need::Operator } else { Need::read(noun) }
    }
}

#[derive(Subcommand)]
enum Command {
    /// See the whole product work against its own sandbox, with no account anywhere
    Demo(demo::Arguments),
    /// Set up a fresh machine: configuration, master key, database, first operator
    Init(system::Init),
    /// Install the program as a service of this machine: user, folders, units, configuration, database
    Install(install::Install),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Bring a tenant to what a folder says: settings, connections, form, automations, users
    Apply(apply::Apply),
    /// Manage users
    #[command(subcommand)]
    User(user::Command),
    /// Look at the roles that users can have
    #[command(subcommand)]
    Role(role::Command),
    /// Look at who is signed in to the status page, and sign them out
    #[command(subcommand)]
    Session(session::Command),
    /// Manage a tenant's connections to mail relays and Google Workspace
    #[command(subcommand)]
    Connection(connection::Command),
    /// Manage where leads come from: advertisers, marketplaces, forms on web sites
    #[command(subcommand)]
    Source(source::Command),
    /// Manage the keys of programs that tell of events
    #[command(subcommand)]
    Key(key::Command),
    /// Manage a tenant's automations
    #[command(subcommand)]
    Automation(automation::Command),
    /// Manage a tenant's form: fields, words, consent, and how it gets onto a website
    #[command(subcommand, alias = "intake")]
    Form(form::Command),
    /// Look at leads, create one by hand, say what became of one
    #[command(subcommand)]
    Lead(lead::Command),
    /// Manage contacts and what they agreed to
    #[command(subcommand)]
    Contact(contact::Command),
    /// Keep companies: customers that are more than one person
    #[command(subcommand)]
    Company(record::Command<record::Company>),
    /// Keep the machines that the business looks after
    #[command(subcommand)]
    Asset(record::Command<record::Asset>),
    /// Keep the business's own showrooms, branches and offices
    #[command(subcommand)]
    Location(record::Command<record::Location>),
    /// Put contacts together in groups
    #[command(subcommand)]
    Group(record::GroupCommand),
    /// Save filters of contacts as segments
    #[command(subcommand)]
    Segment(record::SegmentCommand),
    /// Give records fields of the tenant's own
    #[command(subcommand)]
    Field(record::FieldCommand),
    /// Manage addresses that are not written to
    #[command(subcommand)]
    Suppression(contact::SuppressionCommand),
    /// Manage jobs: pieces of work for homeowners
    #[command(subcommand)]
    Job(job::Command),
    /// Manage tasks: what people of the business are to do
    #[command(subcommand)]
    Task(task::Command),
    /// Look at appointments, as the calendars have them
    #[command(subcommand)]
    Appointment(appointment::Command),
    /// Look at messages to and from contacts
    #[command(subcommand)]
    Message(message::Command),
    /// Say why something was sent, and why it was not
    Explain(explain::Explain),
    /// Say what an edited automation would have done with what happened
    Simulate(explain::Simulate),
    /// Show a digest before it goes out
    #[command(subcommand)]
    Digest(trial::Digest),
    /// Look at what is read of connections, and when
    #[command(subcommand)]
    Cursor(cursor::Command),
    /// Look at events: what arrived; or take one in by hand
    #[command(subcommand)]
    Event(event::Command),
    /// Look at runs, retry or cancel them
    #[command(subcommand)]
    Run(run::Command),
    /// Look at effects, retry or discard them
    #[command(subcommand)]
    Effect(effect::Command),
    /// Say what is broken, and the command that mends it; with `link`, make an owner's link to the status page
    Status(status::Status),
    /// Show what is going on now: what is due at each stage, what tenants did in the last minute, connections in trouble
    Top(top::Top),
    /// Say what became of everything that was received and promised, and whether it adds up
    Books(books::Arguments),
    /// Try out how operators are told of troubles, and look at what they were told of
    #[command(subcommand)]
    Alerts(alert::Command),
    /// Make, list, try out and restore backups
    #[command(subcommand)]
    Backup(backup::Command),
    /// Manage the file with the master key
    #[command(subcommand)]
    KeyFile(key_file::Command),
    /// Say what is held since a backup was restored, and let it go
    #[command(subcommand)]
    Restore(restore::Command),
    /// Look at who did what, and whether that record is as it was written
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look at how long data is kept
    #[command(subcommand)]
    Retention(retention::Command),
    /// Check everything that Nexora needs, inside and outside, and say what mends what is wrong
    Doctor(doctor::Doctor),
    /// Run the daemon
    Serve,
    /// Run the stand-in for Google Workspace and a mail relay, on this machine alone
    Sandbox(system::SandboxArguments),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(system::ConfigCommand),
    /// Bring the database up to date, or say what is missing
    Migrate(system::Migrate),
    /// Manage the public listener's own certificate
    #[command(subcommand)]
    Tls(tls::Command),
    /// Print a completion script for a shell
    Completions(system::Completions),
    /// Print the manual, or write a page for each command
    Man(system::Man),
}

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    // Whatever is written, and the database's own files, are for this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    complete::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            out::print_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let out = Out::new(&cli.global);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(32).build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run(cli, &out));
            // What is stuck on a thread does not keep the process.
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            result
        }
        Err(error) => Err(Error::internal("the runtime cannot be started").source(error)),
    };
    match result {
        Ok(()) => ExitCode::from(out.exit_status()),
        Err(error) => {
            out.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn run(cli: Cli, out: &Out) -> Result<()> {
    let Cli { mut global, command } = cli;
    if let Some(email) = global.acting_as.clone() {
        let app = App::open(load_config(&global)?, Clock::System).await?;
        global.tenant = permission::check(&app, &email, global.tenant, &command).await?;
    }
    match command {
        Command::Demo(arguments) => demo::run(arguments, out).await,
        Command::Init(arguments) => system::init(arguments, &global, &acting(&global), out).await,
        Command::Install(arguments) => install::run(arguments, &acting(&global), out).await,
        Command::Serve => system::serve(&global).await,
        Command::Books(_) => books::run(&Context::open(&global).await?, out).await,
        Command::Alerts(command) => alert::run(&Context::open(&global).await?, command, out).await,
        Command::Backup(command) => backup::run(&global, command, out).await,
        Command::KeyFile(command) => key_file::run(&global, &command, out).await,
        Command::Restore(command) => restore::run(&Context::open(&global).await?, command, out).await,
        Command::Audit(command) => audit::run(&Context::open(&global).await?, command, out).await,
        Command::Retention(command) => retention::run(&Context::open(&global).await?, command, out).await,
        Command::Doctor(arguments) => doctor::run(&global, arguments, out).await,
        Command::Sandbox(arguments) => system::sandbox(arguments, out).await,
        Command::Config(command) => system::config(&command, &global, out),
        Command::Migrate(arguments) => system::migrate(&arguments, &global, out).await,
        Command::Completions(arguments) => system::completions(&arguments),
        Command::Man(arguments) => system::man(&arguments, out),
        Command::Tls(command) => tls::run(&command, out),
        Command::Top(arguments) => top::run(&Context::open(&global).await?, arguments, out).await,
        Command::Tenant(command) => tenant::run(&Context::open(&global).await?, command, out).await,
        Command::Apply(arguments) => apply::run(&Context::open(&global).await?, arguments, out).await,
        Command::User(command) => user::run(&Context::open(&global).await?, command, out).await,
        Command::Role(command) => role::run(&command, out),
        Command::Session(command) => session::run(&Context::open(&global).await?, command, out).await,
        Command::Connection(command) => connection::run(&Context::open(&global).await?, command, out).await,
        Command::Source(command) => source::run(&Context::open(&global).await?, command, out).await,
        Command::Key(command) => key::run(&Context::open(&global).await?, command, out).await,
        Command::Automation(command) => automation::run(&Context::open(&global).await?, command, out).await,
        Command::Form(command) => form::run(&Context::open(&global).await?, command, out).await,
        Command::Lead(command) => lead::run(&Context::open(&global).await?, command, out).await,
        Command::Contact(command) => contact::run(&Context::open(&global).await?, command, out).await,
        Command::Company(command) => record::run(&Context::open(&global).await?, command, out).await,
        Command::Asset(command) => record::run(&Context::open(&global).await?, command, out).await,
        Command::Location(command) => record::run(&Context::open(&global).await?, command, out).await,
        Command::Group(command) => record::run_group(&Context::open(&global).await?, command, out).await,
        Command::Segment(command) => record::run_segment(&Context::open(&global).await?, command, out).await,
        Command::Field(command) => record::run_field(&Context::open(&global).await?, command, out).await,
        Command::Suppression(command) => {
            contact::suppression(&Context::open(&global).await?, command, out).await
        }
        Command::Job(command) => job::run(&Context::open(&global).await?, command, out).await,
        Command::Task(command) => task::run(&Context::open(&global).await?, command, out).await,
        Command::Appointment(command) => appointment::run(&Context::open(&global).await?, command, out).await,
        Command::Message(command) => message::run(&Context::open(&global).await?, command, out).await,
        Command::Explain(arguments) => explain::explain(&Context::open(&global).await?, arguments, out).await,
        Command::Simulate(arguments) => {
            explain::simulate(&Context::open(&global).await?, arguments, out).await
        }
        Command::Digest(command) => trial::digest(&Context::open(&global).await?, command, out).await,
        Command::Cursor(command) => cursor::run(&Context::open(&global).await?, command, out).await,
        Command::Event(command) => event::run(&Context::open(&global).await?, command, out).await,
        Command::Run(command) => run::run(&Context::open(&global).await?, command, out).await,
        Command::Effect(command) => effect::run(&Context::open(&global).await?, command, out).await,
        Command::Status(arguments) => status::run(&global, arguments, out).await,
    }
}

/// What a command works with: the application, who is acting, and the global flags.
pub struct Context {
    pub app: Arc<App>,
    pub actor: Actor,
    /// The user whose permissions hold; none for the operating system's user, who is an operator.
    pub principal: Option<Principal>,
    pub global: Global,
}

impl Context {
    /// Returns every tenant, or the one that is worked on.
    pub async fn tenants(&self, all: bool) -> Result<Vec<Tenant>> {
        match (all, &self.global.tenant) {
            (true, Some(_)) => Err(Error::usage("`--all-tenants` and `--tenant` do not go together")),
            (true, None) => ops::tenant::list(&self.app).await,
            (false, _) => Ok(vec![self.tenant().await?]),
        }
    }

    async fn open(global: &Global) -> Result<Context> {
        let config = load_config(global)?;
        let app = App::open(config, Clock::System).await?;
        let principal = match &global.acting_as {
            Some(email) => Some(ops::access::user::principal(&app, email).await?),
            None => None,
        };
        Ok(Context { app, actor: acting(global), principal, global: global.clone() })
    }

    /// Returns the tenant that `--tenant` names, or the only one there is. Moments are shown by its clocks from then on.
    pub async fn tenant(&self) -> Result<Tenant> {
        let tenant = self.named_tenant().await?;
        self.global.zone.get_or_init(|| tenant.zone().map_or(Tz::UTC, Zone::tz));
        Ok(tenant)
    }

    async fn named_tenant(&self) -> Result<Tenant> {
        if let Some(slug) = &self.global.tenant {
            return ops::tenant::find(&self.app, slug).await;
        }
        let mut tenants = ops::tenant::list(&self.app).await?;
        match (tenants.pop(), tenants.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => {
                Err(Error::not_found("there is no tenant yet").hint("run `nexora tenant create --help`"))
            }
            (Some(_), false) => {
                Err(Error::usage("there are several tenants").hint("name one with `--tenant SLUG`"))
            }
        }
    }
}

fn load_config(global: &Global) -> Result<Config> {
    Config::load(&global.config, std::env::vars())
}

/// Returns every command there is.
pub fn commands() -> clap::Command {
    Cli::command()
}

/// Tells whether the user that `--as` names may run a command, without running it.
///
/// # Errors
/// `Denied` when they may not; `Usage` when the command line is wrong.
pub async fn may_run(app: &App, arguments: &[&str]) -> Result<()> {
    let words = std::iter::once("nexora").chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(words).map_err(|error| Error::usage(error.to_string()))?;
    match &cli.global.acting_as {
        Some(email) => permission::check(app, email, cli.global.tenant, &cli.command).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Returns in whose name a command is done.
fn acting(global: &Global) -> Actor {
    global.acting_as.as_ref().map_or_else(actor, |email| Actor::User(email.to_string()))
}

/// Returns the operator who runs the command, by their login.
fn actor() -> Actor {
    Actor::Operator(login::name())
}
