//! A tenant's page: what was gathered, put into words and shapes.

mod activity;
mod figures;
mod plans;

use askama::Template;

use crate::domain::report::health::Level;
use crate::http::page;
use crate::http::status::time::TimeElement as _;
use crate::ops::report::dashboard::{Account, Dashboard};
use nexora_core::base::Result;
use nexora_core::base::wording::{self, LocalClock};
use nexora_core::model::connection::ConnectionState;
use nexora_core::model::panel::Panel;

use activity::{AutomationRow, LeadRow, MessageView, Runs};
use figures::{Charts, Week};
use plans::{ChoreRow, DayRow, WorkRow};

#[derive(Template)]
#[template(path = "status/tenant.html")]
pub struct Page {
    name: String,
    /// The style that gives the page the tenant's colour.
    pub brand: String,
    /// Whether the visitor may see other tenants' pages, too.
    has_more: bool,
    form_url: String,
    zone: String,
    level: Level,
    headline: String,
    /// What follows the headline, a sentence each.
    lede: Vec<String>,
    updated: String,
    panels: Vec<Panel>,
    is_new: bool,
    health: Option<Health>,
    week: Option<Week>,
    charts: Option<Charts>,
    leads: Vec<LeadRow>,
    messages: Vec<MessageView>,
    days: Vec<DayRow>,
    more_days: bool,
    runs: Option<Runs>,
    automations: Vec<AutomationRow>,
    chores: Vec<ChoreRow>,
    work: Vec<WorkRow>,
}

struct Health {
    needs: Vec<Need>,
    accounts: Vec<AccountRow>,
    next_digest: Option<String>,
}

struct Need {
    level: Level,
    what: String,
    /// For those who may run it.
    command: Option<String>,
}

struct AccountRow {
    name: String,
    /// A tone and a word: `good` and `Working`.
    state: Tag,
    last_ok: Option<String>,
    last_poll: Option<String>,
}

/// Letters of a name, and of a line of text, that are shown at most.
const NAME: usize = 60;
const TEXT: usize = 140;

/// A word in a tone that a style knows: `good`, `warn`, `bad`, or nothing.
#[derive(Clone, Copy)]
struct Tag {
    tone: &'static str,
    word: &'static str,
}

const fn tag(tone: &'static str, word: &'static str) -> Tag {
    Tag { tone, word }
}

impl Page {
    pub fn new(found: Dashboard, public_url: &str, has_more: bool) -> Result<Page> {
        let country = found.tenant.country()?;
        let clock = LocalClock { now: found.now, zone: found.zone, format: country.clock() };
        let leads = found.leads.unwrap_or_default();
        let agenda = found.agenda;
        let week =
            found.week.as_ref().map(|week| Week::new(week, found.tenant.settings().map(|s| s.minutes_saved)));
        let lede = lede(found.week.as_ref(), agenda.as_ref());
        let health = found.health.map(|health| Health {
            needs: found
                .troubles
                .iter()
                .map(|trouble| Need {
                    level: trouble.level,
                    what: trouble.plain.clone(),
                    command: found.shows_commands.then(|| trouble.command.clone()),
                })
                .collect(),
            accounts: health.accounts.iter().map(|account| account_row(account, &clock)).collect(),
            next_digest: health.next_digest.map(|at| clock.when(at)),
        });
        Ok(Page {
            brand: page::brand(&found.tenant.settings()?.color),
            has_more,
            form_url: format!("{public_url}/lead/{}", found.tenant.slug),
            zone: found.tenant.timezone.replace('_', " "),
            level: found.level,
            headline: headline(found.level, found.troubles.len()),
            lede,
            updated: clock.at(found.now),
            is_new: leads.is_empty() && found.panels.contains(&Panel::Leads),
            panels: found.panels,
            health,
            week,
            charts: found.charts.as_ref().map(|charts| Charts::new(charts, &clock)),
            leads: leads.iter().map(|lead| LeadRow::new(lead, country, &clock)).collect(),
            messages: found
                .messages
                .unwrap_or_default()
                .into_iter()
                .map(|message| MessageView::new(message, &clock))
                .collect(),
            more_days: agenda.as_ref().is_some_and(|agenda| agenda.more),
            days: plans::days(agenda, &clock),
            runs: found.runs.map(|runs| Runs::new(runs, &clock)),
            automations: found
                .automations
                .unwrap_or_default()
                .into_iter()
                .map(|line| AutomationRow::new(line, &clock))
                .collect(),
            chores: found
                .chores
                .unwrap_or_default()
                .into_iter()
                .map(|chore| ChoreRow::new(chore, &clock))
                .collect(),
            work: found.work.unwrap_or_default().into_iter().map(|work| WorkRow::new(work, &clock)).collect(),
            name: found.tenant.name,
        })
    }
}

fn headline(level: Level, troubles: usize) -> String {
    match (level, troubles) {
        (Level::Good, _) => "Everything is working.".to_owned(),
        (Level::Look, 1) => "Working. One thing needs a look.".to_owned(),
        (Level::Look, troubles) => format!("Working. {troubles} things need a look."),
        (Level::Broken, _) => "Something is not working.".to_owned(),
    }
}

/// Says the most important figures in whole sentences; figures of nothing are left out.
fn lede(
    week: Option<&crate::ops::report::dashboard::Week>,
    agenda: Option<&crate::ops::report::dashboard::Agenda>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(speed) = week.and_then(|week| week.speed.as_ref()).map(|[now, _]| now) {
        let leads = wording::count(speed.leads as u64, "lead", "leads");
        sentences.push(match speed.median {
            _ if speed.leads == 0 => "No leads this week yet.".to_owned(),
            Some(median) => {
                format!("{leads} this week, answered in {} (median).", wording::spoken_length(median))
            }
            None => format!("{leads} this week, none answered yet."),
        });
    }
    if let Some([saved, _]) = week.map(|week| week.saved).filter(|[saved, _]| !saved.is_zero()) {
        sentences.push(format!("About {} saved.", wording::working_time(saved)));
    }
    let today = agenda.and_then(|agenda| agenda.days.first()).map_or(0, |(_, visits)| visits.len());
    if today > 0 {
        sentences.push(format!("{} today.", wording::count(today as u64, "appointment", "appointments")));
    }
    sentences
}

fn account_row(account: &Account, clock: &LocalClock) -> AccountRow {
    AccountRow {
        name: account.name.clone(),
        state: match account.state {
            ConnectionState::Active => tag("good", "Working"),
            ConnectionState::Paused => tag("warn", "Paused"),
            ConnectionState::Failing => tag("bad", "Not working"),
        },
        last_ok: account.last_ok_at.map(|at| clock.when(at)),
        last_poll: account.last_poll_at.map(|at| clock.when(at)),
    }
}
