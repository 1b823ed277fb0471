//! Marketplaces of whose mails nothing needs to be known but who sends them and how their sentences go.

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::mail::{IncomingMail, MailFormat, MailResult};
use crate::lead::lead_format::marketplace::{Marketplace, USUAL};

pub static FORMAT: LeadFormat =
    LeadFormat { name: "marketplaces", lead_source: None, webhook: None, mail: Some(&Marketplaces) };

struct Marketplaces;

impl MailFormat for Marketplaces {
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult> {
        MARKETPLACES.iter().find_map(|marketplace| marketplace.read(incoming))
    }
}

/// A new one is added here.
static MARKETPLACES: &[Marketplace] = &[
    Marketplace {
        lead_source: "houzz",
        senders: &["houzz.com"],
        vouched: &["houzz.com"],
        relays: &["messages.houzz.com"],
        answers_there: true,
        phrases: &[
            "lead: {name} is interested in {service}",
            "{name} is interested in {service}",
            "message from {name}",
        ],
        ..USUAL
    },
    Marketplace {
        lead_source: "bark",
        senders: &["bark.com"],
        vouched: &["bark.com"],
        answers_there: true,
        phrases: &[
            "{name} is looking for a {service} in {city}",
            "{name} is looking for an {service} in {city}",
            "{name} is looking for {service}",
        ],
        ..USUAL
    },
    Marketplace {
        lead_source: "checkatrade",
        senders: &["checkatrade.com"],
        vouched: &["checkatrade.com"],
        answers_there: true,
        phrases: &["enquiry from {name}", "message from {name}", "request from {name}"],
        ..USUAL
    },
    Marketplace {
        lead_source: "mybuilder",
        senders: &["mybuilder.com"],
        vouched: &["mybuilder.com"],
        answers_there: true,
        phrases: &[
            "{name} has shortlisted you for {service}",
            "{name} has invited you to {service}",
            "message from {name}",
        ],
        ..USUAL
    },
    Marketplace {
        lead_source: "rated_people",
        senders: &["ratedpeople.com"],
        vouched: &["ratedpeople.com"],
        answers_there: true,
        phrases: &["posted by {name}", "message from {name}"],
        ..USUAL
    },
    Marketplace {
        lead_source: "porch",
        senders: &["porch.com"],
        vouched: &["porch.com"],
        phrases: &["lead - {service}", "lead from {name}"],
        ..USUAL
    },
    Marketplace { lead_source: "networx", senders: &["networx.com"], vouched: &["networx.com"], ..USUAL },
    Marketplace {
        lead_source: "nextdoor",
        senders: &["nextdoor.com", "nextdoor.co.uk"],
        vouched: &["nextdoor.com", "nextdoor.co.uk"],
        relays: &["rs.email.nextdoor.com", "reply.nextdoor.com"],
        answers_there: true,
        phrases: &["{name} sent your business a message", "message from {name}"],
        ..USUAL
    },
    Marketplace {
        lead_source: "housecall_pro",
        senders: &["housecallpro.com"],
        vouched: &["housecallpro.com"],
        phrases: &[
            "booking request from {name}",
            "request from {name}",
            "booking from {name}",
            "lead from {name}",
        ],
        ..USUAL
    },
    Marketplace {
        lead_source: "jobber",
        senders: &["getjobber.com", "jobber.com"],
        vouched: &["getjobber.com", "jobber.com"],
        phrases: &["request from {name}", "booking from {name}", "{name} submitted a request"],
        ..USUAL
    },
    Marketplace {
        lead_source: "homestars",
        senders: &["homestars.com"],
        vouched: &["homestars.com"],
        answers_there: true,
        phrases: &["request from {name}", "message from {name}"],
        ..USUAL
    },
    Marketplace {
        lead_source: "my_hammer",
        senders: &["my-hammer.de"],
        vouched: &["my-hammer.de"],
        answers_there: true,
        ..USUAL
    },
    Marketplace {
        lead_source: "modernize",
        senders: &["modernize.com"],
        vouched: &["modernize.com"],
        ..USUAL
    },
    Marketplace { lead_source: "elocal", senders: &["elocal.com"], vouched: &["elocal.com"], ..USUAL },
    Marketplace {
        lead_source: "craftjack",
        senders: &["craftjack.com"],
        vouched: &["craftjack.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "habitissimo",
        senders: &[
            "habitissimo.es",
            "habitissimo.it",
            "habitissimo.com.mx",
            "habitissimo.pt",
            "habitissimo.net",
        ],
        vouched: &[
            "habitissimo.es",
            "habitissimo.it",
            "habitissimo.com.mx",
            "habitissimo.pt",
            "habitissimo.net",
        ],
        ..USUAL
    },
    Marketplace { lead_source: "hellopro", senders: &["hellopro.fr"], vouched: &["hellopro.fr"], ..USUAL },
    Marketplace { lead_source: "werkspot", senders: &["werkspot.nl"], vouched: &["werkspot.nl"], ..USUAL },
    Marketplace {
        lead_source: "hipages",
        senders: &["hipages.com.au"],
        vouched: &["hipages.com.au"],
        ..USUAL
    },
    Marketplace {
        lead_source: "serviceseeking",
        senders: &["serviceseeking.com.au"],
        vouched: &["serviceseeking.com.au"],
        ..USUAL
    },
    Marketplace {
        lead_source: "oneflare",
        senders: &["oneflare.com.au"],
        vouched: &["oneflare.com.au"],
        ..USUAL
    },
    Marketplace {
        lead_source: "airtasker",
        senders: &["airtasker.com"],
        vouched: &["airtasker.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "buildzoom",
        senders: &["buildzoom.com"],
        vouched: &["buildzoom.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "taskrabbit",
        senders: &["taskrabbit.com"],
        vouched: &["taskrabbit.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "trustatrader",
        senders: &["trustatrader.com"],
        vouched: &["trustatrader.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "aroundhome",
        senders: &["aroundhome.de"],
        vouched: &["aroundhome.de"],
        ..USUAL
    },
    Marketplace { lead_source: "check24", senders: &["check24.de"], vouched: &["check24.de"], ..USUAL },
    Marketplace { lead_source: "prontopro", senders: &["prontopro.it"], vouched: &["prontopro.it"], ..USUAL },
    Marketplace { lead_source: "instapro", senders: &["instapro.it"], vouched: &["instapro.it"], ..USUAL },
    Marketplace { lead_source: "travaux", senders: &["travaux.com"], vouched: &["travaux.com"], ..USUAL },
    Marketplace {
        lead_source: "starofservice",
        senders: &["starofservice.com"],
        vouched: &["starofservice.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "cronoshare",
        senders: &["cronoshare.com"],
        vouched: &["cronoshare.com"],
        ..USUAL
    },
    Marketplace {
        lead_source: "builderscrack",
        senders: &["builderscrack.co.nz"],
        vouched: &["builderscrack.co.nz"],
        ..USUAL
    },
    Marketplace {
        lead_source: "renoassistance",
        senders: &["renoassistance.ca"],
        vouched: &["renoassistance.ca"],
        ..USUAL
    },
    Marketplace { lead_source: "homeyou", senders: &["homeyou.com"], vouched: &["homeyou.com"], ..USUAL },
    Marketplace { lead_source: "fixr", senders: &["fixr.com"], vouched: &["fixr.com"], ..USUAL },
];
