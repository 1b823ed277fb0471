//! `nexora books`: does everything that was received add up to what became of it?

use clap::Args;

use crate::cli::Context;
use crate::cli::out::{Out, maybe, print};
use crate::cli::status::BROKEN;
use crate::ops::report::books::{self, TenantBooks};
use nexora_core::base::Result;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora books
  nexora books --tenant acme --output json

For each tenant: received = handled + waiting + failed + ignored. It is looked at each night and after each start, too.
Exit status: 0 the books balance, 11 something is unaccounted for")]
pub struct Arguments {}

pub async fn run(context: &Context, out: &Out) -> Result<()> {
    let only = match context.global.tenant {
        Some(_) => Some(context.tenant().await?),
        None => None,
    };
    let found = books::of(&context.app, only).await?;
    let lost: i64 = found.iter().map(|books| books.books.unaccounted()).sum();
    out.exit_with(if lost == 0 { 0 } else { BROKEN });
    if out.is_json() {
        return out.json(&found);
    }
    for books in &found {
        show(books, out)?;
    }
    Ok(())
}

fn show(found: &TenantBooks, out: &Out) -> Result<()> {
    print(&format!("{}: {}", found.tenant, crate::domain::report::books::verdict(&found.books)))?;
    let headers = ["", "received", "handled", "waiting", "failed", "ignored", "unaccounted", "such as"];
    out.list(&headers, &found.books.accounts, |account| {
        let numbers = [
            account.received,
            account.handled,
            account.waiting,
            account.failed,
            account.ignored,
            account.unaccounted,
        ];
        let mut row = vec![account.noun.to_owned()];
        row.extend(numbers.iter().map(ToString::to_string));
        row.push(maybe(account.example.as_ref()));
        row
    })?;
    let reasons = found.books.accounts.iter().flat_map(|account| {
        let line = |reason: &crate::domain::report::books::Reason| {
            vec![account.noun.to_owned(), reason.part.clone(), reason.rows.to_string(), reason.reason.clone()]
        };
        account.reasons.iter().map(line).collect::<Vec<_>>()
    });
    out.section("Reasons", &["", "became", "how many", "why"], reasons.collect())?;
    print("")
}
