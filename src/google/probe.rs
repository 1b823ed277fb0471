//! Whether a connection's credential is good, asked of each service that it may use.

use crate::Google;
use crate::fault::Fault;
use crate::scope::Service;
use nexora_connector::{Answer, Probe};
use nexora_core::base::{Error, Result};

impl Probe for Google {
    fn probe(&self) -> Answer<'_, Result<String>> {
        Box::pin(async move {
            let mut good = Vec::new();
            let mut bad: Vec<(Service, Fault)> = Vec::new();
            for service in Service::ALL.into_iter().filter(|service| self.source.serves(*service)) {
                match self.ask(service).await {
                    Ok(answer) => good.push(answer),
                    Err(fault) => bad.push((service, fault)),
                }
            }
            if bad.is_empty() {
                return Ok(good.join(", "));
            }
            // One refusal of a token is the same for every service: it is said once.
            let mut reasons: Vec<String> = Vec::new();
            for (service, fault) in &bad {
                let reason = fault.reason();
                match reasons.iter().any(|said| said.ends_with(&reason)) {
                    true => {}
                    false => reasons.push(format!("{}: {reason}", service.name())),
                }
            }
            let message = [good, reasons].concat().join("; ");
            if bad.iter().any(|(_, fault)| fault.is_about_credential()) {
                return Err(Error::denied(message)
                    .hint("run `nexora connection authorize NAME`, or check the delegation's scopes"));
            }
            Err(Error::unavailable(message))
        })
    }
}

impl Google {
    /// Asks one service the cheapest question. Sheets and Drive have none that needs no file: that
    /// a token with their scopes is granted says as much.
    async fn ask(&self, service: Service) -> Result<String, Fault> {
        match service {
            Service::Gmail => Ok(format!("mailbox {} answers", self.gmail.mailbox().await?)),
            Service::Calendar => self.calendar.probe().await.map(|()| "calendar answers".to_owned()),
            Service::Sheets | Service::Drive => {
                self.source.token(service, None).await?;
                Ok(format!("{} is permitted", service.name()))
            }
        }
    }
}
