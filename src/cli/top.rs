//! `nexora top`: what is going on, drawn anew each second.

use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

use crate::cli::Context;
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::ops::report::activity::{self, Activity};
use nexora_core::base::wording::{count, distance, length};
use nexora_core::base::{Error, Result};
use nexora_core::model::principal::Noun;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora top
  nexora top --tenant acme
  nexora top --once

Keys: q or Ctrl-C ends it")]
pub struct Top {
    /// Print it once, without drawing on the terminal
    #[arg(long)]
    once: bool,
}

impl Top {
    /// Says what must be permitted.
    pub fn need(names_tenant: bool) -> Need {
        Need::read_one_or_all(names_tenant, Noun::Status)
    }
}

/// How often it is looked anew.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the drawing waits for a key before it looks whether there is something new to draw.
const KEY_WAIT: Duration = Duration::from_millis(200);

pub async fn run(context: &Context, arguments: Top, out: &Out) -> Result<()> {
    let only = match context.global.tenant {
        Some(_) => Some(context.tenant().await?),
        None => None,
    };
    let first = activity::look(&context.app, only.clone()).await?;
    if out.is_json() {
        return out.json(&first);
    }
    if arguments.once || !std::io::stdout().is_terminal() {
        return print(&first, out);
    }
    let (news, looked) = mpsc::channel();
    let _ = news.send(Ok(first));
    let drawing = tokio::task::spawn_blocking(move || draw(&looked));
    while !drawing.is_finished() {
        tokio::time::sleep(INTERVAL).await;
        if news.send(activity::look(&context.app, only.clone()).await).is_err() {
            break;
        }
    }
    drop(news);
    drawing.await.map_err(|error| Error::internal("the drawing ended early").source(error))?
}

/// Draws what comes in until a key ends it, or until nothing comes any more.
fn draw(looked: &mpsc::Receiver<Result<Activity>>) -> Result<()> {
    let failed = |error: std::io::Error| Error::internal("the terminal cannot be drawn on").source(error);
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let mut drawn: Result<()> = Ok(());
    loop {
        match looked.try_recv() {
            Ok(Ok(activity)) => {
                drawn = terminal.draw(|frame| page(frame, &activity)).map(|_| ()).map_err(failed);
            }
            Ok(Err(error)) => drawn = Err(error),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
        if drawn.is_err() {
            break;
        }
        match is_end() {
            Ok(false) => {}
            Ok(true) => break,
            Err(error) => {
                drawn = Err(failed(error));
                break;
            }
        }
    }
    ratatui::restore();
    drawn
}

fn is_end() -> std::io::Result<bool> {
    if !event::poll(KEY_WAIT)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

const STAGES: [&str; 3] = ["waiting", "due", "oldest"];
const TENANTS: [&str; 5] = ["last minute", "leads", "runs", "delivered", "dead"];
const CONNECTIONS: [&str; 4] = ["connection", "state", "failed", "reason"];

fn stages(activity: &Activity) -> Vec<Vec<String>> {
    let late = |stage: &activity::Stage| {
        stage.depth.oldest.map_or_else(String::new, |oldest| length(activity.at.since(oldest)))
    };
    let row = |stage: &activity::Stage| {
        let more = if stage.depth.due >= nexora_store::due::DEPTH_LIMIT { "+" } else { "" };
        vec![stage.name.to_owned(), format!("{}{more}", stage.depth.due), late(stage)]
    };
    activity.stages.iter().map(row).collect()
}

fn tenants(activity: &Activity) -> Vec<Vec<String>> {
    let row = |one: &activity::TenantActivity| {
        let mut row = vec![one.tenant.clone()];
        row.extend([one.leads, one.runs, one.delivered, one.dead].map(|number| number.to_string()));
        row
    };
    activity.tenants.iter().map(row).collect()
}

fn connections(activity: &Activity) -> Vec<Vec<String>> {
    let row = |one: &activity::ConnectionActivity| {
        vec![
            format!("{}/{}", one.tenant, one.name),
            one.state.to_string(),
            one.error_at.map_or_else(String::new, |at| distance(at, activity.at)),
            maybe(one.error.as_ref()),
        ]
    };
    activity.connections.iter().map(row).collect()
}

fn head(activity: &Activity) -> String {
    let heard = activity.daemons.iter().filter(|daemon| daemon.is_heard(activity.at)).count();
    match heard {
        0 => "no daemon runs".to_owned(),
        number => count(number, "daemon", "daemons"),
    }
}

fn print(activity: &Activity, out: &Out) -> Result<()> {
    out.note(&head(activity));
    out.section("Stages", &STAGES, stages(activity))?;
    out.section("Tenants", &TENANTS, tenants(activity))?;
    match activity.connections.is_empty() {
        true => Ok(()),
        false => out.section("Connections", &CONNECTIONS, connections(activity)),
    }
}

fn page(frame: &mut Frame<'_>, activity: &Activity) {
    let rows = |number: usize| Constraint::Length(u16::try_from(number + 3).unwrap_or(u16::MAX));
    let troubled = match activity.connections.len() {
        0 => Constraint::Length(0),
        number => rows(number.min(8)),
    };
    let parts = [Constraint::Length(1), rows(activity.stages.len()), Constraint::Min(4), troubled];
    let [top, middle, low, bottom] = Layout::vertical(parts).areas(frame.area());
    let style = if head(activity).starts_with("no") { Style::new().fg(Color::Red) } else { Style::new() };
    frame.render_widget(
        Paragraph::new(Line::styled(format!(" nexora   {}   q ends it", head(activity)), style)),
        top,
    );
    let narrow = [Constraint::Length(14), Constraint::Length(10), Constraint::Min(10)];
    frame.render_widget(table(&STAGES, stages(activity), &narrow), middle);
    let even = [
        Constraint::Min(16),
        Constraint::Length(10),
        Constraint::Length(10),
        Constraint::Length(10),
        Constraint::Length(10),
    ];
    frame.render_widget(table(&TENANTS, tenants(activity), &even), low);
    let wide = [Constraint::Length(30), Constraint::Length(10), Constraint::Length(14), Constraint::Min(20)];
    frame.render_widget(table(&CONNECTIONS, connections(activity), &wide), bottom);
}

fn table<'a>(headers: &[&'a str], rows: Vec<Vec<String>>, widths: &'a [Constraint]) -> Table<'a> {
    let header = Row::new(headers.to_vec()).style(Style::new().add_modifier(Modifier::BOLD));
    Table::new(rows.into_iter().map(Row::new), widths).header(header).block(Block::bordered())
}

#[cfg(test)]
mod tests {
    use nexora_core::base::clock::Clock;
    use nexora_store::due::Depth;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::ops::report::activity::{ConnectionActivity, Stage, TenantActivity};
    use nexora_core::model::connection::ConnectionState;

    #[test]
    fn a_page_shows_stages_tenants_and_connections_that_are_in_trouble() {
        let at = Clock::System.now();
        let minute = Duration::from_secs(60);
        let stage =
            |name, due| Stage { name, depth: Depth { due, oldest: (due > 0).then_some(at - minute) } };
        let activity = Activity {
            at,
            daemons: Vec::new(),
            stages: vec![stage("events", 0), stage("effects", 10_000)],
            tenants: vec![TenantActivity {
                tenant: "acme".to_owned(),
                leads: 7,
                runs: 9,
                delivered: 21,
                dead: 1,
            }],
            connections: vec![ConnectionActivity {
                tenant: "acme".to_owned(),
                name: "smtp".to_owned(),
                state: ConnectionState::Failing,
                error: Some("535 the password is wrong".to_owned()),
                error_at: Some(at - minute),
            }],
        };
        let mut terminal = Terminal::new(TestBackend::new(100, 24)).unwrap();
        terminal.draw(|frame| page(frame, &activity)).unwrap();
        let shown = terminal.backend().to_string();
        for part in
            ["no daemon runs", "10000+", "1 min", "acme", "21", "acme/smtp", "failing", "535 the password"]
        {
            assert!(shown.contains(part), "{part}:\n{shown}");
        }
    }
}
