//! The listeners, and the address under which the public reaches them.

use std::net::{IpAddr, SocketAddr, TcpListener};

use crate::config::Config;
use crate::domain::report::certificate;
use crate::domain::report::health::{Level, inspect};
use crate::ops::doctor::{Finding, Surroundings, Verdict, proof};
use nexora_connector::dns::Lookup;
use nexora_connector::public_address::is_public;
use nexora_connector::site::{Answer, Place};
use nexora_core::base::Kind;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::MasterKey;

pub async fn ports(around: &Surroundings) -> Vec<Finding> {
    let config = match around.config() {
        Ok(config) => config,
        Err(skipped) => return skipped,
    };
    let runs_here = match &around.app {
        Ok(app) => inspect::runs_here(app).await,
        Err(_) => false,
    };
    let mut findings = Vec::new();
    for (key, address) in listeners(config) {
        findings.push(if runs_here { answers(key, address).await } else { is_free(key, address) });
    }
    findings.extend(own_certificate(config));
    findings
}

fn own_certificate(config: &Config) -> Option<Finding> {
    let files = config.http.certificate_files().ok()??;
    let shown = files.certificate.display();
    Some(match files.read() {
        Ok(_) => Finding::good(format!("the certificate in `{shown}` can be used")),
        Err(error) => {
            Finding::broken(error.report(), error.hint_text().unwrap_or("mend the files").to_owned())
        }
    })
}

fn listeners(config: &Config) -> Vec<(&'static str, SocketAddr)> {
    let http = &config.http;
    let read =
        [("http.listen", http.listen_address()), ("http.private_listen", http.private_listen_address())];
    read.into_iter().filter_map(|(key, address)| Some((key, address.ok()?))).collect()
}

async fn answers(key: &str, address: SocketAddr) -> Finding {
    let reached = match address.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::from([127, 0, 0, 1]), address.port()),
        false => address,
    };
    match tokio::net::TcpStream::connect(reached).await {
        Ok(_) => Finding::good(format!("the daemon answers at {address} (`{key}`)")),
        Err(error) => Finding::broken(
            format!("a daemon runs here, and nothing answers at {address} (`{key}`): {error}"),
            "systemctl restart nexora: it may have been started with another configuration",
        ),
    }
}

fn is_free(key: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(format!("{address} is free for the daemon (`{key}`)")),
        Err(error) => Finding::broken(
            format!("{address} cannot be listened at (`{key}`): {error}"),
            format!(
                "ss -ltnp 'sport = :{}' says who does; choose another address in `{key}`",
                address.port()
            ),
        ),
    }
}

pub async fn public_address(around: &Surroundings) -> Vec<Finding> {
    let config = match around.config() {
        Ok(config) => config,
        Err(skipped) => return skipped,
    };
    let mut findings = address(around, config, &config.http.public_url).await;
    for url in config.http.former_addresses() {
        let found = address(around, config, url).await.into_iter();
        // What does not lead here any more takes old links with it, and nothing new.
        findings.extend(found.map(|finding| Finding {
            what: format!("before, `{url}`: {}", finding.what),
            verdict: if finding.verdict == Verdict::Broken { Verdict::Look } else { finding.verdict },
            ..finding
        }));
    }
    findings
}

async fn address(around: &Surroundings, config: &Config, url: &str) -> Vec<Finding> {
    let Some(place) = Place::of(url) else {
        return vec![Finding::broken(format!("`{url}` is no address on the web"), "set `http.public_url`")];
    };
    let (addresses, mut findings) = resolve(around, &place).await;
    if !place.is_encrypted {
        let what = format!("`{url}` is not encrypted: what customers write crosses the network in the clear");
        findings.push(Finding::look(
            what,
            "put a web server with a certificate in front, and write https in `http.public_url`",
        ));
    }
    let key = config.secrets.master_key().ok();
    let runs = match &around.app {
        Ok(app) => inspect::runs(app).await,
        Err(_) => false,
    };
    for address in addresses {
        findings.extend(reach(around, &place, address, (key.as_ref(), runs)).await);
    }
    findings
}

/// Returns where a host is, and what is to be said of it.
async fn resolve(around: &Surroundings, place: &Place) -> (Vec<IpAddr>, Vec<Finding>) {
    let host = &place.host;
    if let Ok(address) = host.parse::<IpAddr>() {
        return (vec![address], vec![private(host, address)].into_iter().flatten().collect());
    }
    if host.eq_ignore_ascii_case("localhost") {
        let local = IpAddr::from([127, 0, 0, 1]);
        return (vec![local], vec![private(host, local)].into_iter().flatten().collect());
    }
    match around.dns.addresses(host).await {
        Ok(Lookup::Found(addresses)) => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let mut findings = vec![Finding::good(format!("`{host}` is at {}", shown.join(", ")))];
            findings.extend(addresses.iter().filter_map(|address| private(host, *address)));
            (addresses, findings)
        }
        Ok(Lookup::NoRecords | Lookup::NoName) => {
            let what = format!("the DNS has no address of `{host}`");
            let fix = format!(
                "add an A or AAAA record for `{host}` at your DNS provider, or correct `http.public_url`"
            );
            (Vec::new(), vec![Finding::broken(what, fix)])
        }
        Err(error) => {
            let fix = "resolvectl status: can this machine ask the DNS?";
            (Vec::new(), vec![Finding::of(&error, fix)])
        }
    }
}

fn private(host: &str, address: IpAddr) -> Option<Finding> {
    (!is_public(address)).then(|| {
        let what =
            format!("`{host}` is at {address}, which is in no public network: customers cannot reach it");
        Finding::look(what, "set `http.public_url` to the address that customers use")
    })
}

async fn reach(
    around: &Surroundings,
    place: &Place,
    address: IpAddr,
    (key, runs): (Option<&MasterKey>, bool),
) -> Vec<Finding> {
    let Ok(question) = proof::question() else { return Vec::new() };
    match around.sites.get(place, address, &format!("{}{question}", proof::PATH)).await {
        Ok(answer) => {
            let expected = key.and_then(|key| proof::answer(key, &question));
            let mut findings = match runs {
                true => vec![is_ours(address, &answer, expected.as_deref())],
                false => vec![not_running(address)],
            };
            let now = Clock::System.now();
            findings.extend(answer.certificate_ends.map(|at| of_certificate(&place.host, at, now)));
            findings
        }
        Err(error) if error.kind() != Kind::Denied && !runs => vec![not_running(address)],
        Err(error) => {
            let fix = match error.kind() {
                Kind::Denied => "renew it for this name: certbot renew, or see the log of your web server",
                _ => "is the web server up, and does the firewall let ports 80 and 443 through?",
            };
            vec![Finding::of(&error, fix)]
        }
    }
}

fn not_running(address: IpAddr) -> Finding {
    Finding::skipped(format!("no daemon runs: whether {address} reaches it is told once one does"))
}

fn is_ours(address: IpAddr, answer: &Answer, expected: Option<&str>) -> Finding {
    let fix = "pass everything to the address in `http.listen`: proxy_pass http://127.0.0.1:8080, reverse_proxy 127.0.0.1:8080";
    match (answer.status, expected) {
        (200, Some(expected)) if answer.body.trim() == expected => {
            Finding::good(format!("it reaches this installation, at {address}"))
        }
        (200, Some(_)) => {
            let what = format!("{address} answers, but is another program or another installation");
            Finding::broken(what, fix)
        }
        (502..=504, _) => Finding::broken(
            format!("the web server at {address} answers {}: it does not reach the daemon", answer.status),
            "systemctl start nexora; then compare its `http.listen` with where the web server passes requests",
        ),
        (status @ 300..=399, _) => Finding::broken(
            format!("{address} answers {status}: it leads elsewhere"),
            "write the address to which it leads in `http.public_url`",
        ),
        (status, _) => Finding::broken(format!("{address} answers {status}, not as this program does"), fix),
    }
}

/// Says until when a certificate is good.
fn of_certificate(host: &str, ends: Timestamp, now: Timestamp) -> Finding {
    let (level, what) = certificate::judge(host, ends, now);
    match level {
        Level::Good => Finding::good(what),
        Level::Look => Finding::look(what, certificate::FIX),
        Level::Broken => Finding::broken(what, certificate::FIX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Verdict;

    #[test]
    fn a_port_is_free_or_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let found = is_free("http.listen", address);
        assert_eq!(found.verdict, Verdict::Broken);
        assert!(found.fix.unwrap().contains(&format!("sport = :{}", address.port())));
        drop(taken);
        assert_eq!(is_free("http.listen", address).verdict, Verdict::Good);
    }
}
