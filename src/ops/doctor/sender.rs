//! Whether other mail servers have reason to believe mails from the domains that we send from: SPF (RFC 7208), DKIM
//! (RFC 6376) and DMARC (RFC 7489), as the DNS has them.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::ops::doctor::{Finding, Surroundings, connection};
use nexora_connector::dns::{Dns, Lookup};
use nexora_core::base::Result;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::tenant::Tenant;

/// Names under which providers keep keys, for servers that do not tell whether there is any name below another.
const SELECTORS: [&str; 12] =
    ["google", "selector1", "selector2", "default", "dkim", "mail", "s1", "s2", "k1", "k2", "pm", "smtp"];

/// Names above a domain that are asked for its policy.
const PARENTS: usize = 4;

pub async fn check(around: &Surroundings) -> Vec<Finding> {
    let app = match around.app() {
        Ok(app) => app,
        Err(skipped) => return skipped,
    };
    let all = match connection::all(app, around.launch.as_ref()).await {
        Ok(all) => all,
        Err(error) => return vec![Finding::of(&error, "nexora status")],
    };
    let mut domains: BTreeMap<String, Tenant> = BTreeMap::new();
    for (tenant, found) in all {
        let sends =
            app.connectors().of(&found).is_ok_and(|kind| kind.facts().can_carry(EffectKind::SendMail));
        let address = EmailAddress::parse(&app.connectors().account(&found)).ok();
        if let Some(address) = address.filter(|_| sends) {
            domains.entry(address.domain().to_lowercase()).or_insert(tenant);
        }
    }
    if domains.is_empty() {
        return vec![Finding::skipped("nothing sends mail yet")];
    }
    let asked = domains.iter().map(|(domain, tenant)| async move {
        let found = of_domain(around.dns.as_ref(), domain).await;
        found.into_iter().map(|finding| finding.about(tenant)).collect::<Vec<_>>()
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn of_domain(dns: &dyn Dns, domain: &str) -> Vec<Finding> {
    let unanswered = |result: Result<Finding>| {
        let fix = "resolvectl status: can this machine ask the DNS?";
        result.unwrap_or_else(|error| Finding::of(&error, fix))
    };
    let spf = async { dns.texts(domain).await.map(|found| of_spf(domain, found)) };
    let mx = async { dns.mail_servers(domain).await.map(|found| of_mail_servers(domain, &found)) };
    let (spf, dkim, dmarc, mx) = tokio::join!(spf, of_dkim(dns, domain), of_dmarc(dns, domain), mx);
    [spf, dkim, dmarc, mx].map(unanswered).into()
}

fn of_spf(domain: &str, found: Lookup<String>) -> Finding {
    let is_spf = |text: &String| text == "v=spf1" || text.starts_with("v=spf1 ");
    let records: Vec<String> = found.into_list().into_iter().filter(is_spf).collect();
    let add = format!(
        "add a TXT record at `{domain}`: v=spf1 include:… ~all, with the name that your relay's provider gives"
    );
    match records.as_slice() {
        [] => Finding::look(
            format!("`{domain}` has no SPF record: others cannot tell who may send for it"),
            add,
        ),
        [one] if one.split(' ').any(|term| matches!(term, "+all" | "all")) => Finding::look(
            format!("the SPF record of `{domain}` lets everybody send for it: {one}"),
            "end it with ~all or -all",
        ),
        [one] => Finding::good(format!("SPF of `{domain}`: {one}")),
        several => Finding::broken(
            format!(
                "`{domain}` has {} SPF records, and so none that counts (RFC 7208, section 4.5)",
                several.len()
            ),
            "put them into one: v=spf1 include:one.example include:other.example ~all",
        ),
    }
}

/// A key lies under a name that only the signer knows. Whether any name is there can be told all the same: where none
/// is, the DNS says that the name above them does not exist either (RFC 8020).
async fn of_dkim(dns: &dyn Dns, domain: &str) -> Result<Finding> {
    let above = format!("_domainkey.{domain}");
    match dns.texts(&above).await? {
        Lookup::Found(_) | Lookup::NoRecords => {
            return Ok(Finding::good(format!("`{domain}` has a DKIM key")));
        }
        Lookup::NoName => {}
    }
    let asked = SELECTORS.map(|selector| {
        let name = format!("{selector}.{above}");
        async move { dns.texts(&name).await }
    });
    let is_key = |found: &Result<Lookup<String>>| matches!(found, Ok(Lookup::Found(_)));
    if join_all(asked).await.iter().any(is_key) {
        return Ok(Finding::good(format!("`{domain}` has a DKIM key")));
    }
    let what = format!("`{domain}` has no DKIM key: its mails are signed by nobody");
    Ok(Finding::look(what, "switch signing on at your mail provider, and add the record that it shows"))
}

async fn of_dmarc(dns: &dyn Dns, domain: &str) -> Result<Finding> {
    let add = format!("add a TXT record at `_dmarc.{domain}`: v=DMARC1; p=none; rua=mailto:you@{domain}");
    let labels: Vec<&str> = domain.split('.').collect();
    let last = labels.len().saturating_sub(2).min(PARENTS);
    for skipped in 0..=last {
        let name = format!("_dmarc.{}", labels.get(skipped..).unwrap_or_default().join("."));
        let found = dns.texts(&name).await?.into_list();
        let is_policy = |text: &String| text.to_lowercase().replace(' ', "").starts_with("v=dmarc1");
        let records: Vec<String> = found.into_iter().filter(is_policy).collect();
        match records.as_slice() {
            [] => {}
            [one] if one.to_lowercase().replace(' ', "").contains("p=") => {
                return Ok(Finding::good(format!("DMARC of `{domain}`: {one}")));
            }
            [one] => {
                return Ok(Finding::look(format!("the DMARC record at `{name}` has no policy: {one}"), add));
            }
            _ => {
                let what = format!("there are several DMARC records at `{name}`, and so none that counts");
                return Ok(Finding::broken(what, "leave one of them"));
            }
        }
    }
    let what = format!("`{domain}` has no DMARC record: large mail providers ask for one");
    Ok(Finding::look(what, add))
}

fn of_mail_servers(domain: &str, found: &Lookup<String>) -> Finding {
    match found {
        Lookup::Found(servers) if servers.iter().any(|server| server != ".") => {
            Finding::good(format!("answers to `{domain}` go to {}", servers.join(", ")))
        }
        Lookup::Found(_) | Lookup::NoRecords | Lookup::NoName => Finding::look(
            format!("`{domain}` has no mail server: answers to what is sent from it come back"),
            format!("add an MX record at `{domain}`, or send from an address that people can answer to"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Verdict;
    use crate::ops::doctor::fakes::Zone;

    async fn found(zone: &Zone, domain: &str) -> Vec<(Verdict, String)> {
        of_domain(zone, domain).await.into_iter().map(|found| (found.verdict, found.what)).collect()
    }

    #[tokio::test]
    async fn a_domain_that_has_everything_is_good() {
        let zone = Zone::default()
            .text("acme.com", "google-site-verification=x")
            .text("acme.com", "v=spf1 include:_spf.google.com ~all")
            .text("odd-name-17._domainkey.acme.com", "v=DKIM1; p=AAAA")
            .text("_dmarc.acme.com", "v=DMARC1; p=reject")
            .server("acme.com", "mx.acme.com");
        for (verdict, what) in found(&zone, "acme.com").await {
            assert_eq!(verdict, Verdict::Good, "{what}");
        }
        // A domain below it has the policy of the one above (RFC 7489, section 6.6.3).
        let below = found(&zone, "mail.acme.com").await;
        assert!(below[2].1.contains("p=reject"), "{below:?}");
    }

    #[tokio::test]
    async fn what_a_domain_lacks_is_told_with_what_to_add() {
        let lacks = of_domain(&Zone::default(), "acme.com").await;
        assert!(lacks.iter().all(|found| found.verdict == Verdict::Look && found.fix.is_some()), "{lacks:?}");
        let zone = Zone::default().text("acme.com", "v=spf1 -all").text("acme.com", "v=spf1 ~all");
        assert_eq!(found(&zone, "acme.com").await[0].0, Verdict::Broken);
        let zone = Zone::default().text("acme.com", "v=spf1 +all").text("_dmarc.acme.com", "v=DMARC1; rua=x");
        let said = found(&zone, "acme.com").await;
        assert!(said[0].1.contains("everybody") && said[2].1.contains("no policy"), "{said:?}");
    }

    #[tokio::test]
    async fn a_resolver_that_does_not_answer_is_told_as_that() {
        let said = of_domain(&Zone::silent(), "acme.com").await;
        assert!(said.iter().all(|found| found.verdict == Verdict::Broken), "{said:?}");
        assert!(said[0].fix.as_deref().unwrap().contains("resolvectl"), "{said:?}");
    }
}
