//! What can be set about a form, of which `nexora form set`, `nexora form show` and their help are made.
//! Fields, wordings, logo and Turnstile have commands of their own.

use nexora_core::base::{Error, Result};
use nexora_core::model::address::{Country, PhoneNumber};
use nexora_core::model::form::FormSettings;
use nexora_core::model::setting::Setting;

/// Everything that can be set, in the order in which it is shown. The country is the tenant's.
pub const SETTINGS: &[Setting<(FormSettings, Country)>] = &[
    Setting {
        name: "intro",
        help: "sentence below the name of the business",
        example: "We fix boilers, day and night.",
        get: |(form, _)| form.intro.clone(),
        set: |(form, _), text| put(&mut form.intro, short(text)),
    },
    Setting {
        name: "services",
        help: "services to choose from, separated by semicolons; empty lets people write their own",
        example: "Boiler repair; Leak; New bathroom",
        get: |(form, _)| form.services.join("; "),
        set: |(form, _), text| put(&mut form.services, list(text)),
    },
    Setting {
        name: "service_area",
        help: "where the business works, in its own words",
        example: "Austin and 30 miles around",
        get: |(form, _)| form.service_area.clone(),
        set: |(form, _), text| put(&mut form.service_area, short(text)),
    },
    Setting {
        name: "emergency_phone",
        help: "number to call when it cannot wait; empty for none",
        example: "(512) 555-0199",
        get: |(form, _)| form.emergency_phone.clone(),
        set: |(form, country), text| put(&mut form.emergency_phone, phone(text, *country)),
    },
    Setting {
        name: "next_steps",
        help: "what happens after a request, separated by semicolons; empty shows what is known",
        example: "We call within the hour; We agree a time",
        get: |(form, _)| form.next_steps.join("; "),
        set: |(form, _), text| put(&mut form.next_steps, list(text)),
    },
    Setting {
        name: "embed_on",
        help: "websites that may show the form in a frame, separated by commas",
        example: "https://acme.com, https://www.acme.com",
        get: |(form, _)| form.embed_on.join(", "),
        set: |(form, _), text| put(&mut form.embed_on, origins(text)),
    },
    Setting {
        name: "scripts_from",
        help: "websites whose scripts or own forms may send requests, separated by commas",
        example: "https://acme.com",
        get: |(form, _)| form.scripts_from.join(", "),
        set: |(form, _), text| put(&mut form.scripts_from, origins(text)),
    },
    Setting {
        name: "proof_of_work",
        help: "`true` makes browsers work out a small puzzle while the form is filled in; not beside `scripts_from`",
        example: "true",
        get: |(form, _)| form.proof_of_work.to_string(),
        set: |(form, _), text| {
            let wrong = |_| Error::usage(format!("`{text}` is not `true` or `false`"));
            put(&mut form.proof_of_work, text.parse().map_err(wrong))
        },
    },
];

/// The longest text of a tenant's own on the form, in characters.
const TEXT_LENGTH: usize = 500;
const LIST_LENGTH: usize = 40;

fn put<T>(field: &mut T, value: Result<T>) -> Result<()> {
    *field = value?;
    Ok(())
}

fn short(text: &str) -> Result<String> {
    match text.chars().count() {
        0..=TEXT_LENGTH => Ok(text.to_owned()),
        _ => Err(Error::usage(format!("it is longer than {TEXT_LENGTH} characters"))),
    }
}

fn list(text: &str) -> Result<Vec<String>> {
    split(text, &[';'])
}

fn split(text: &str, separators: &[char]) -> Result<Vec<String>> {
    let text = short(text)?;
    let parts = text.split(separators).map(str::trim).filter(|part| !part.is_empty());
    Ok(parts.take(LIST_LENGTH).map(str::to_owned).collect())
}

fn phone(text: &str, country: Country) -> Result<String> {
    match text {
        "" => Ok(String::new()),
        text => Ok(PhoneNumber::parse_in(country, text)?.shown_in(country)),
    }
}

fn origins(text: &str) -> Result<Vec<String>> {
    split(text, &[',', ' '])?.iter().map(|origin| parse_origin(origin)).collect()
}

/// Reads a website as browsers name it: scheme, host, and the port if it is not the usual one.
fn parse_origin(text: &str) -> Result<String> {
    let wrong = || {
        Error::usage(format!("`{text}` is not a website"))
            .hint("write it like `https://acme.com`, with `www.` if it has that")
    };
    let uri: axum::http::Uri = text.parse().map_err(|_| wrong())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(wrong)?;
    let local = matches!(authority.host(), "localhost" | "127.0.0.1");
    if !(scheme == "https" || (scheme == "http" && local)) || authority.as_str().contains(['@', '*']) {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{}", authority.as_str().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_website_is_named_as_browsers_name_it() {
        assert_eq!(parse_origin("https://Acme.com/contact").unwrap(), "https://acme.com");
        assert_eq!(parse_origin("http://localhost:3000").unwrap(), "http://localhost:3000");
        for wrong in [
            "acme.com",
            "http://acme.com",
            "*",
            "https://",
            "https://*",
            "https://*.acme.com",
            "https://a@b.com",
            "javascript:alert(1)",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_setting_is_described_set_and_shown() {
        let country = Country::parse("US").unwrap();
        for setting in SETTINGS {
            let mut of = (FormSettings::default(), country);
            let (name, example) = (setting.name, setting.example);
            assert!(setting.help.contains(' '), "`{name}` is not described");
            assert_ne!((setting.get)(&of), example, "`{name}`");
            (setting.set)(&mut of, example).unwrap();
            assert_eq!((setting.get)(&of), example, "`{name}`");
        }
    }

    #[test]
    fn every_field_has_a_row_or_a_command_of_its_own() {
        let fields = serde_json::to_value(FormSettings::default()).unwrap();
        for field in fields.as_object().unwrap().keys() {
            let is_row = SETTINGS.iter().any(|setting| setting.name == field);
            assert!(is_row || ["fields", "turnstile_site_key"].contains(&field.as_str()), "`{field}`");
        }
    }

    #[test]
    fn a_text_that_would_fill_the_page_is_refused() {
        for setting in SETTINGS {
            let mut of = (FormSettings::default(), Country::parse("US").unwrap());
            assert!((setting.set)(&mut of, &"x".repeat(TEXT_LENGTH + 1)).is_err(), "{}", setting.name);
        }
    }
}
