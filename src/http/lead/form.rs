//! The form as a page: the tenant's own fields, colour, logo and words.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike as _;

use crate::app::{App, PublicProfile};
use crate::http::lead::fields::{Fields, is_set};
use crate::http::lead::form_token::{self, FormToken};
use crate::http::page::{self, Policy, Script};
use crate::http::problem::Problem;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::form::{Field, FieldName, Need};
use nexora_core::model::hours::BusinessHours;
use nexora_core::model::language::{Flaw, FormWords, Language, ThanksWords};
use nexora_core::model::lead::Attribution;
use nexora_core::model::tenant::Tenant;
use nexora_engine::calendar::hours;
use nexora_engine::lead::enquiry::FieldFault;

/// Services up to this many are shown side by side; more are chosen from a list.
const SIDE_BY_SIDE: usize = 6;

#[derive(Template)]
#[template(path = "form.html")]
struct Page<'a> {
    profile: &'a PublicProfile,
    language: Language,
    words: &'static FormWords,
    title: String,
    banner: &'a Banner,
    inputs: Vec<Input>,
    /// What is said about the fields that are wrong.
    check_fields: String,
    /// The fields that are wrong: their name, label, and what is wrong.
    wrong: Vec<(&'static str, String)>,
    token: String,
    puzzle: Option<String>,
    hidden: Vec<(String, String)>,
    has_photos: bool,
    privacy: String,
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct Thanks<'a> {
    profile: &'a PublicProfile,
    language: Language,
    words: &'static ThanksWords,
    call: &'static str,
    has_request: String,
    banner: &'a Banner,
    steps: Vec<String>,
}

/// What stands above the form and the thanks.
struct Banner {
    words: &'static FormWords,
    style: String,
    logo: Option<String>,
    phone: Option<Phone>,
    emergency: Option<Phone>,
    hours: Vec<String>,
    /// Whether the business is open now, and until or from when.
    now: String,
    is_open: bool,
}

struct Phone {
    link: String,
    shown: String,
}

/// One field of the form.
struct Input {
    name: &'static str,
    label: String,
    note: &'static str,
    kind: Kind,
    required: bool,
    value: String,
    fault: Option<String>,
    optional: &'static str,
    choose: &'static str,
}

enum Kind {
    Line {
        kind: &'static str,
        autocomplete: &'static str,
        mode: &'static str,
    },
    Text,
    Choice(Vec<String>),
    List(Vec<String>),
    Photos {
        most: u32,
        help: String,
    },
    /// A box with the version of its wording.
    Box {
        version: i32,
        ticked: bool,
    },
}

/// Shows the form with what was typed and what is wrong with it.
pub fn show(
    app: &App,
    profile: &PublicProfile,
    values: &Fields,
    faults: &[FieldFault],
    status: StatusCode,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let slug = &profile.tenant.slug;
    let language = profile.settings.language;
    let words = &language.words().form;
    // A form that is shown again with its faults is still the one that was opened.
    let earlier = values.get(form_token::FIELD).and_then(|text| FormToken::open(app, slug, text));
    let token = earlier.map_or_else(|| FormToken::new(now), Ok)?;
    let faults = &placed(profile, faults);
    let inputs: Vec<Input> =
        profile.form.fields.iter().filter_map(|field| input(app, profile, *field, values, faults)).collect();
    let label = |name: &str| inputs.iter().find(|input| input.name == name).map(|input| input.label.clone());
    let hidden =
        Attribution::NAMES.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
    let banner = Banner::of(profile, now);
    let policy = policy(profile, &banner);
    let view = Page {
        language,
        words,
        title: (words.title)(&profile.tenant.name),
        check_fields: (words.check_fields)(faults.len()),
        privacy: (words.privacy)(&profile.tenant.name),
        wrong: faults
            .iter()
            .map(|f| (f.field, label(f.field).unwrap_or_else(|| words.whole.to_owned())))
            .collect(),
        token: token.text(app, slug),
        puzzle: profile.form.proof_of_work.then(|| token.puzzle(app)).flatten(),
        hidden: hidden.collect(),
        has_photos: inputs.iter().any(|input| matches!(input.kind, Kind::Photos { .. })),
        profile,
        banner: &banner,
        inputs,
    };
    Ok(page::spoken(language, page::render_under(status, &view, &policy)))
}

/// Returns the faults, each at a field that the form has: what is said of a telephone number that is not
/// asked for is said of the address.
fn placed(profile: &PublicProfile, faults: &[FieldFault]) -> Vec<FieldFault> {
    let has = |name: FieldName| profile.form.need(name).is_some();
    let place = |fault: &FieldFault| match fault.field {
        "phone" if !has(FieldName::Phone) => FieldFault::new(FieldName::Email.name(), Flaw::NoEmail),
        _ => fault.clone(),
    };
    faults.iter().map(place).collect()
}

/// Lets the sites that may frame the form frame this answer to it as well.
pub fn framed(mut answer: Response, profile: &PublicProfile) -> Response {
    let policy = Policy { framed_by: &profile.form.embed_on, ..Policy::default() };
    answer.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| policy.header());
    answer
}

/// Shows what happens next, by the addresses that the homeowner left.
pub fn thanks(app: &App, profile: &PublicProfile, reached_by: &str) -> Response {
    let banner = Banner::of(profile, app.clock.now());
    let policy = policy(profile, &banner);
    let steps = match profile.form.next_steps.as_slice() {
        [] => known_steps(profile, &banner, reached_by),
        own => own.to_vec(),
    };
    let language = profile.settings.language;
    let words = &language.words().thanks;
    let (call, has_request) = (language.words().form.call, (words.has_request)(&profile.tenant.name));
    let view = Thanks { profile, language, words, call, has_request, banner: &banner, steps };
    page::spoken(language, page::render_under(StatusCode::OK, &view, &policy))
}

fn known_steps(profile: &PublicProfile, banner: &Banner, reached_by: &str) -> Vec<String> {
    let words = &profile.settings.language.words().thanks;
    let mut steps = Vec::new();
    if reached_by.contains("email") {
        steps.push(words.look_in_email.to_owned());
    }
    let may_call = reached_by.contains("phone");
    steps.push(match banner.is_open {
        true => (words.now)(&profile.tenant.name, may_call),
        false => (words.later)(&banner.now, may_call),
    });
    if let Some(phone) = banner.phone.as_ref().filter(|_| may_call) {
        steps.push((words.our_number)(&phone.shown));
    }
    steps
}

fn policy<'a>(profile: &'a PublicProfile, banner: &'a Banner) -> Policy<'a> {
    Policy {
        style: &banner.style,
        framed_by: &profile.form.embed_on,
        script: match profile.form.turnstile_site_key.is_empty() {
            true => Script::Form,
            false => Script::FormWithTurnstile,
        },
    }
}

impl Banner {
    fn of(profile: &PublicProfile, now: Timestamp) -> Banner {
        let tenant = &profile.tenant;
        let hours = BusinessHours::parse(&profile.settings.business_hours).ok();
        let (language, country) = (profile.settings.language, tenant.country().ok());
        let words = &language.words().form;
        let zone = tenant.zone().map_or(chrono_tz::UTC, nexora_core::model::address::Zone::tz);
        let local = |moment: Timestamp| moment.utc().with_timezone(&zone).naive_local();
        let time = |moment: Timestamp| language.time(local(moment).time(), country);
        let open_until = hours.as_ref().and_then(|hours| hours::open_until(hours, now, zone));
        let open_words = match (&hours, open_until) {
            (_, Some(until)) => (words.open_until)(&time(until)),
            (Some(hours), None) => {
                let opens = hours::next_open(hours, now, std::time::Duration::from_secs(60), zone);
                let day = local(opens).date();
                match day == local(now).date() {
                    true => (words.opens_today)(&time(opens)),
                    false => (words.opens_on)(language.weekday(day.weekday()), &time(opens)),
                }
            }
            (None, None) => String::new(),
        };
        Banner {
            style: page::brand(&profile.settings.color),
            logo: profile.logo.as_ref().map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png))),
            phone: tenant.phone.as_ref().map(|phone| Phone {
                link: phone.to_string(),
                shown: tenant.country().map_or_else(|_| phone.to_string(), |country| phone.shown_in(country)),
            }),
            emergency: emergency(tenant, &profile.form.emergency_phone),
            hours: hours.map(|hours| hours.shown(language, country)).unwrap_or_default(),
            is_open: open_until.is_some(),
            now: open_words,
            words,
        }
    }
}

fn emergency(tenant: &Tenant, shown: &str) -> Option<Phone> {
    let country = tenant.country().ok()?;
    let number = nexora_core::model::address::PhoneNumber::parse_in(country, shown).ok()?;
    Some(Phone { link: number.to_string(), shown: number.shown_in(country) })
}

fn input(
    app: &App,
    profile: &PublicProfile,
    field: Field,
    values: &Fields,
    faults: &[FieldFault],
) -> Option<Input> {
    let Field { name, need } = field;
    let words = &profile.settings.language.words().form;
    let line = |kind, autocomplete, mode| Kind::Line { kind, autocomplete, mode };
    let services = || profile.form.services.clone();
    let choice = [FieldName::Phone, FieldName::Email].map(|name| profile.form.need(name));
    let reach = if choice == [Some(Need::Optional); 2] { words.phone_or_email } else { "" };
    let (label, note, kind) = match name {
        FieldName::Name => (words.name, "", line("text", "name", "")),
        FieldName::Phone => (words.phone, reach, line("tel", "tel", "tel")),
        FieldName::Email => (words.email, reach, line("email", "email", "email")),
        FieldName::Service if services().is_empty() => (words.service, "", line("text", "off", "")),
        FieldName::Service if services().len() <= SIDE_BY_SIDE => {
            (words.service, "", Kind::Choice(services()))
        }
        FieldName::Service => (words.service, "", Kind::List(services())),
        FieldName::Postcode => (words.postcode, "", line("text", "postal-code", "")),
        FieldName::Address => (words.address, "", line("text", "street-address", "")),
        FieldName::PreferredTime => {
            (words.preferred_time, words.preferred_time_example, line("text", "off", ""))
        }
        FieldName::Message => (words.message, "", Kind::Text),
        FieldName::Photos => {
            let most = app.config.intake.photos;
            if most == 0 {
                return None;
            }
            let megabytes = app.config.intake.photo_limit_bytes / 1_000_000;
            (words.photos, "", Kind::Photos { most, help: (words.photos_help)(most, megabytes) })
        }
        FieldName::ConsentSms | FieldName::ConsentMarketing => {
            let wording = profile.wordings.get(&name.channel()?)?;
            // A tick under another wording does not count: the box is shown empty.
            let same = values.get(&format!("{name}_version")) == Some(&wording.version.to_string());
            let ticked = same && is_set(values, name.name());
            let kind = Kind::Box { version: wording.version, ticked };
            return Some(described(
                profile,
                name,
                (&wording.wording, ""),
                kind,
                Need::Optional,
                (values, faults),
            ));
        }
    };
    Some(described(profile, name, (label, note), kind, need, (values, faults)))
}

fn described(
    profile: &PublicProfile,
    name: FieldName,
    (label, note): (&str, &'static str),
    kind: Kind,
    need: Need,
    (values, faults): (&Fields, &[FieldFault]),
) -> Input {
    let name = name.name();
    let language = profile.settings.language;
    let words = &language.words().form;
    let plain = matches!(kind, Kind::Box { .. });
    Input {
        name,
        label: label.to_owned(),
        note: if note.is_empty() && need == Need::Optional && !plain { words.optional } else { note },
        kind,
        required: need == Need::Required,
        value: values.get(name).cloned().unwrap_or_default(),
        fault: faults.iter().find(|fault| fault.field == name).map(|fault| fault.told(language)),
        optional: words.optional,
        choose: words.choose,
    }
}
