//! Layouts of lead mails with what has to be read of each, and mails that are no leads.

use crate::lead::lead_format::formats::read_mail as read;
use crate::lead::lead_format::mail::{IncomingMail, MailResult, Rules};
use crate::message::mail::from_rfc822;

/// What has to be read of a mail; `*` where it does not matter: file, name, mail address, telephone number, address, postcode, message, source.
type Wanted = [&'static str; 8];

#[rustfmt::skip]
const LAYOUTS: &[Wanted] = &[
    ["cases/b05-lead-mail-zero-width", "Dana Whitfield", "dana.w@example.com", "512-555-0148", "Austin", "78704", "The Dampfkessel is leaking", "angi"],
    ["cases/form-a", "Charly", "charly@cust.example.net", "", "", "", "hello from Charly", "form_mail"],
    ["cases/form-alt-stub", "Golf Hotel", "golf@cust.example.net", "", "", "", "No heat", "form_mail"],
    ["cases/lead-cf7", "Jane Doe", "jane@example.com", "", "", "", "There is a leak under the kitchen sink.\nIt drips about once a second.", "wordpress"],
    ["cases/lead-french", "Hélène Dupré", "helene@example.fr", "06 12 34 56 78", "Orléans", "", "La chaudière ne démarre plus…\nMerci de me rappeler.", "form_mail"],
    ["cases/lead-german-cf7", "Jürgen Müller-Lüdenscheidt", "j.mueller@example.de", "0170 1234567", "Königsallee 5, Düsseldorf", "40212", "Unsere Heizung fällt aus.\nBitte um Rückruf.", "wordpress"],
    ["cases/lead-gravity", "Jane Doe", "jane@example.com", "(512) 555-0147", "500 Congress Ave, Austin, TX 78701, United States", "78701", "Please quote a water softener.", "wordpress"],
    ["cases/lead-homeadvisor-text", "Robert Chen", "rchen@example.com", "(512) 555-0110", "77 Barton Springs Rd, Austin, TX 78704", "78704", "Second floor bathroom. The flange is broken,\nand we already bought the toilet.", "angi"],
    ["cases/lead-houzz", "Olivia Park", "olivia.park@example.com", "512.555.0155", "", "78731", "Hi, we're looking to remodel our\nprimary bathroom this spring.\n\nDo you do tile as well?", "houzz"],
    ["cases/lead-lsa-phone", "", "", "(512) 555-0171", "", "", "", "google_local_services"],
    ["cases/lead-thumbtack", "Ken D.", "", "(512) 555-0122", "Austin, TX 78745", "78745", "Old one is in the attic, 50 gallons.", "thumbtack"],
    ["cases/lead-two-phones", "Jane Doe", "jane@example.com", "(512) 555-0156 or (512) 555-0157 after 5pm", "", "", "Call me", "form_mail"],
    ["cases/lead-wpforms", "Jane Doe", "jane@example.com", "(512) 555-0146", "", "", "Garbage disposal hums\nbut does not turn.", "wordpress"],
    ["layouts/angi-html", "Wanda Price", "wanda@example.com", "(512) 555-0138", "19 Duval Rd, Austin, TX 78727", "78727", "Three rooms and a hallway, pet stains.", "angi"],
    ["layouts/angi-label-above", "Paula Stein", "paula@example.com", "512-555-0118", "8 Menchaca Rd, Austin, TX 78704", "78704", "No hot water since Sunday.", "angi"],
    ["layouts/bark", "Sarah Whitaker", "sarah.w@example.com", "07700 900123", "Leeds, LS6 3AA", "LS6 3AA", "Parking is on the street.", "bark"],
    ["layouts/bark-text", "Helen Frost", "helen.f@example.com", "07700 900333", "Bristol", "", "*", "bark"],
    ["layouts/bold-values", "Tess Howard", "tess@example.com", "(512) 555-0174", "", "", "Weekly service and a filter clean.", "form_mail"],
    ["layouts/bootstrap-grid", "Ingrid Falk", "ingrid@example.se", "512.555.0173", "", "78702", "Leak around the vent pipe.\nStarted last night.", "form_mail"],
    ["layouts/camel-case", "Tomás Greene", "tomas.g@example.com", "5125550178", "12 Lamar Blvd", "78704", "Replace garage door opener, chain drive", "form_mail"],
    ["layouts/checkatrade", "Colin Marsh", "colin.marsh@example.com", "07700 900456", "", "BS8 1TH", "Combi boiler loses pressure every two days.\nIt's a Worcester, about nine years old.", "checkatrade"],
    ["layouts/checkatrade-html", "Moira Gray", "", "07700 900654", "", "G12 8QQ", "Repoint a chimney stack and replace the flashing.", "checkatrade"],
    ["layouts/cognito", "Dell Warner", "dell.w@example.com", "(512) 555-0161", "7 Riverside Dr, Austin, Texas 78741", "78741", "Stucco crack near the chimney.", "cognito_forms"],
    ["layouts/dutch", "Sjoerd de Vries", "sjoerd@example.nl", "06 12345678", "Dorpsweg 8, Utrecht", "1234 AB", "De cv-ketel maakt lawaai.\nKunt u langskomen?", "form_mail"],
    ["layouts/dutch-text", "Fleur Smit", "fleur@example.nl", "06-98765432", "Kerkstraat 21, Utrecht", "3511 AB", "Kozijnen en voordeur, circa 12 ramen.", "form_mail"],
    ["layouts/elementor", "Noor Aziz", "noor@example.com", "0512 555 0191", "", "", "Radiator knocks at night.\nIs that dangerous?", "wordpress"],
    ["layouts/facebook", "Kiara Bell", "kiara.b@example.com", "+15125550129", "9 Pecan Way, Pflugerville", "78660", "", "facebook"],
    ["layouts/formidable", "Ffion Rees", "ffion@example.co.uk", "029 2018 0123", "", "CF24 3AB", "Oven needs a deep clean too.", "form_mail"],
    ["layouts/formspree", "Ivy Chen", "ivy@example.net", "512-555-0166", "", "", "The gate valve is stuck.\nCan someone come before Friday?", "formspree"],
    ["layouts/french-cf7", "Yves Marchand", "yves@example.fr", "06.11.22.33.44", "", "", "Bonjour,\nje cherche un menuisier pour un escalier tournant.\nCordialement", "wordpress"],
    ["layouts/french-dl", "Chloé Lefèvre", "chloe@example.fr", "06 98 76 54 32", "3 rue des Lilas, Lyon", "69003", "Remplacer la baignoire par une douche.", "form_mail"],
    ["layouts/french-html", "Aïcha Benali", "aicha@example.fr", "07 55 12 34 56", "22 avenue Foch, 54000 Nancy", "54000", "Tuiles cassées après la grêle.", "form_mail"],
    ["layouts/german-html", "Anke Böhm", "anke@example.de", "0221 / 555 01 23", "Lindenweg 7a, Köln", "50667", "Fassade streichen, ca. 120 m².\nGerüst ist vorhanden.", "form_mail"],
    ["layouts/german-plain", "Ben Krause", "ben@example.de", "0341 5550199", "", "", "Die Rinne ist auf 8 m undicht.\nWann könnten Sie kommen?", "form_mail"],
    ["layouts/german-table", "Katrin Öztürk", "katrin@example.de", "0211 555 0147", "Düsseldorf", "", "Bitte um ein Angebot für eine Wärmepumpe.", "form_mail"],
    ["layouts/german-text", "Max Moser", "max.moser@example.at", "+43 660 1234567", "", "", "Wir brauchen einen E-Check für ein Einfamilienhaus.", "wordpress"],
    ["layouts/german-umlaut-keys", "Schäfer, Ute", "ute@example.de", "0351/5550166", "", "", "Heizkörper wird nicht warm.", "form_mail"],
    ["layouts/godaddy", "Wes Tanaka", "wes@example.com", "5125550136", "", "", "Recaulk two tubs.", "godaddy"],
    ["layouts/google-forms", "Lou Abara", "lou@example.com", "512-555-0117", "88 Guadalupe St, Austin, TX 78705", "78705", "Shingles came off in the storm.", "google_forms"],
    ["layouts/gravity-name", "Corey Nash", "corey@example.com", "(830) 555-0114", "", "", "Burner will not light.\nPilot is on.", "wordpress"],
    ["layouts/homeadvisor-html", "Abel Cruz", "abel@example.com", "(512) 555-0199", "5 Slaughter Creek Dr, Austin, TX 78748", "78748", "About 90 feet, with one gate.", "angi"],
    ["layouts/housecall", "Ana Bolt", "ana.bolt@example.com", "(512) 555-0152", "600 Barton Blvd, Unit 3, Austin, TX 78704", "78704", "Gate code is 4410.", "housecall_pro"],
    ["layouts/housecall-lead", "Marco Lenz", "marco@example.com", "(512) 555-0165", "3 Live Oak St, Austin, TX 78704", "78704", "Sump pump alarm keeps going off.", "housecall_pro"],
    ["layouts/houzz-html", "Tomas Bergman", "", "(512) 555-0131", "Dripping Springs, TX 78620", "78620", "We would like a screened porch off the kitchen.", "houzz"],
    ["layouts/hubspot", "Renata Vogel", "renata@example.com", "+1 512-555-0125", "", "78735", "Heat pump ices over.", "hubspot"],
    ["layouts/italian", "Niccolò Ferri", "niccolo@example.it", "333 1234567", "Via Roma 12, Firenze", "50123", "Perde il rubinetto della cucina, perché è vecchio.", "form_mail"],
    ["layouts/italian-dl", "Sara De Luca", "sara@example.it", "340 1112233", "Corso Milano 3, 20121 Milano", "20121", "Potatura di due siepi.", "form_mail"],
    ["layouts/italian-text", "Giulia Conti", "giulia@example.it", "347 7654321", "Prato", "", "Vorrei un sopralluogo.", "form_mail"],
    ["layouts/jobber", "Greta Olsen", "greta@example.com", "(512) 555-0127", "55 Koenig Ln, Austin, Texas 78756", "78756", "Spring yard cleanup and mulch", "jobber"],
    ["layouts/jobber-2", "Peter Vance", "peter.v@example.com", "(512) 555-0196", "1201 W 6th St, Austin, Texas 78703", "78703", "Please mind the roses.", "jobber"],
    ["layouts/jotform", "Marta Keller", "marta.keller@example.com", "(737) 555-0119", "18 Rainey St, Austin, TX", "78701", "Two units,\nboth in the attic.", "jotform"],
    ["layouts/json-dump", "Quinn Abbott", "quinn@example.com", "+1 512-555-0168", "44 Burnet Rd, Austin, TX 78757", "78757", "Replace two outlets.", "form_mail"],
    ["layouts/mybuilder", "Priti Shah", "priti.s@example.com", "07700 900222", "", "NW3 4QG", "Move one radiator to the opposite wall.\n\nCombi boiler.", "mybuilder"],
    ["layouts/name-with-address", "Jo Miller", "jo@x.example.com", "512-555-0109 (evenings)", "Zilker", "", "Email: please don't, I rarely read it.\nPhone: call the number above.\nThe fence blew over.", "form_mail"],
    ["layouts/nested-divs", "Kofi Mensah", "kofi@example.com", "512-555-0122", "14 Shoal Creek Blvd, Austin", "", "Gate is on the left side.", "form_mail"],
    ["layouts/netlify", "Omar Haddad", "omar.h@example.com", "(512) 555-0102", "", "78752", "Slow drains in both baths", "netlify"],
    ["layouts/networx", "Vince Moreno", "vince.m@example.com", "(512) 555-0143", "77 Slaughter Ln, Austin, TX", "78748", "100A panel, wants 200A for a car charger", "networx"],
    ["layouts/nextdoor", "Gail R.", "", "", "", "", "Do you clean dryer vents? Ours takes three cycles.", "nextdoor"],
    ["layouts/nextdoor-lead", "Omid S.", "", "(512) 555-0120", "*", "", "Dead pecan leaning toward the fence.", "nextdoor"],
    ["layouts/ninja-forms", "Paulo Reis", "paulo@example.com", "(512) 555-0170", "41 Dessau Rd, Austin, TX 78754", "78754", "Quote for gutter guards, please.\n\nSingle storey.", "wordpress"],
    ["layouts/numbered", "Hank Ito", "hank@example.com", "512-555-0190", "", "78733", "Replace a sliding door, about 6 feet wide.", "form_mail"],
    ["layouts/outlook-stub", "Jamal King", "jamal@example.com", "+15125550198", "", "", "Pool heater trips.\nNote: dog in the yard.", "form_mail"],
    ["layouts/php-mail", "Rita Gomez", "rita.g@example.com", "512 555 0149", "", "", "Need two ceiling fans hung.\nHigh ceilings, about 14 ft.", "form_mail"],
    ["layouts/pipe-line", "Ruth Delgado", "", "(512) 555-0150", "901 Koenig Ln, Austin, TX 78752", "78752", "*", "form_mail"],
    ["layouts/plain-sentences", "Sal Ricci", "sal@example.com", "512-555-0137", "", "", "*", "form_mail"],
    ["layouts/porch", "Hal Jennings", "hal.j@example.com", "(512) 555-0194", "310 Oltorf St, Austin, TX 78704", "78704", "Two storeys, about 140 feet.", "porch"],
    ["layouts/porch-text", "Dale Whitmore", "dale.w@example.com", "512-555-0153", "", "78758", "Two bedrooms and trim. Walls have a few cracks.", "porch"],
    ["layouts/rated-people", "Joanne Tully", "joanne.t@example.com", "07700 900781", "", "M20 2RN", "Old cast iron bath out, 1200 quadrant in.\nTiles to match.", "rated_people"],
    ["layouts/semicolons", "Gus Petrov", "gus@example.com", "512 555 0148", "Buda", "", "Septic alarm is on", "form_mail"],
    ["layouts/spanish", "Lucía Ñíguez Sanz", "lucia@example.es", "612 345 678", "Calle Mayor 4, 2º B, Madrid", "28013", "La caldera pierde agua.\nGracias.", "form_mail"],
    ["layouts/spanish-html", "Diego Ávila", "diego@example.mx", "55 1234 5678", "*", "", "Quiero impermeabilizar la azotea.", "form_mail"],
    ["layouts/spanish-text", "Begoña Ruiz", "begona@example.es", "678 901 234", "Getafe", "", "Salta el diferencial cada noche.", "form_mail"],
    ["layouts/spanish-wpforms", "Nuria Vidal", "nuria@example.es", "622 333 444", "", "", "Pintar un piso de 80 m².\nTechos altos.", "wordpress"],
    ["layouts/squarespace", "Bea Lindqvist", "bea@example.com", "(512) 555-0188", "", "", "The upstairs shower lost pressure last week.\n\nIt is fine downstairs.", "squarespace"],
    ["layouts/tabular-text", "Lee Park", "lee@example.com", "512-555-0128", "61 Manchaca Rd, Austin, TX", "78745", "Two live oaks touch the roof.", "form_mail"],
    ["layouts/thumbtack-new", "Andre L.", "", "(512) 555-0145", "Cedar Park, TX 78613", "78613", "Door sticks, and a doorknob went through the wall.", "thumbtack"],
    ["layouts/thumbtack-text", "Monique T.", "", "(512) 555-0180", "Round Rock, TX 78664", "78664", "We have two cats. Please use unscented products.", "thumbtack"],
    ["layouts/two-column-names", "Sofia Marin", "sofia@example.com", "512-555-0121", "", "", "Two bedroom apartment, third floor.", "form_mail"],
    ["layouts/typeform", "Deshawn Price", "deshawn@example.org", "+1 512 555 0133", "", "", "New counters and a deeper sink.", "typeform"],
    ["layouts/webflow", "Lucia Romano", "lucia.r@example.com", "512-555-0184", "", "", "Spring snapped, the door is stuck open.", "webflow"],
    ["layouts/weebly", "Petra Sokol", "petra@example.com", "512-555-0112", "", "", "Do you install EV chargers?\nGarage is detached.", "weebly"],
    ["layouts/weird-case", "VIC STONE", "VIC@EXAMPLE.COM", "5125550101", "", "78721", "NEED TRENCH FOR GAS LINE", "form_mail"],
    ["layouts/wix", "Theo Grant", "theo@example.com", "512-555-0106", "", "", "Thermostat is blank and the heat won't start.", "wix"],
    ["layouts/wpforms-text", "Nell Ortiz", "nell@example.com", "(512) 555-0159", "", "", "Fence is leaning after the wind.\nAbout 40 feet.", "wordpress"],
    ["layouts/wufoo", "Priya Nair", "priya.n@example.com", "(512) 555-0183", "2100 Rio Grande St, Austin, TX 78705, United States", "78705", "Breaker trips when the oven is on.", "wufoo"],
    ["layouts/yelp-html", "Renee P.", "", "", "*", "*", "It drips behind the wall of the shower.", "yelp"],
    ["layouts/zapier", "Beth Carver", "beth@example.com", "512.555.0176", "", "", "16x20 deck, cedar", "form_mail"],
    ["layouts/formstack", "Irma Boyd", "irma@example.com", "(512) 555-0186", "700 Lavaca St, Austin, TX 78701", "78701", "Ice maker line leaks behind the fridge.", "formstack"],
    ["layouts/yelp-callback", "Glenn T.", "", "(512) 555-0163", "", "", "Water under the sink.", "yelp"],
    ["layouts/gas-script", "Milo Hart", "milo@example.com", "512-555-0189", "33 Rainey St, Austin, TX 78701", "78701", "Recessed lights in two rooms.", "form_mail"],
    ["layouts/uk-text", "Dot Pickering", "dot@example.co.uk", "0161 496 0123", "*", "M14 5RQ", "Annual service due, Vaillant ecoTEC.", "form_mail"],
    ["layouts/mixed-html", "Yara Haddix", "yara@example.com", "+1 (737) 555-0167", "Leander, TX 78641", "78641", "South roof, no shade.", "form_mail"],
    ["layouts/french-text", "Luc Girard", "luc@example.fr", "06 44 55 66 77", "Toulouse", "31000", "Clé cassée dans la serrure.\nJe suis sur place.", "form_mail"],
    ["layouts/german-dl", "Jan Peters", "jan@example.de", "040 5550112", "Elbchaussee 10, Hamburg", "22765", "Bad neu fliesen, 8 m².", "form_mail"],
    ["layouts/ratedpeople-html", "Leo Adeyemi", "leo@example.com", "07700 900888", "", "SE15 4QN", "Replace mixer tap, isolation valves seized.", "rated_people"],
];
fn mail(file: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/fixtures/mail/{file}.eml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn reading(file: &str) -> MailResult {
    read(IncomingMail { mail: &from_rfc822(&mail(file)), rules: &Rules::default(), is_contacts: false })
}

fn faults(wanted: &Wanted) -> Vec<String> {
    let found = match reading(wanted[0]) {
        MailResult::Leads(leads) if leads.len() == 1 => leads,
        MailResult::Message(lead) => vec![*lead],
        other => return vec![format!("{}: {other:?}", wanted[0])],
    };
    let e = &found[0].enquiry;
    let said = [&e.name, &e.email, &e.phone, &e.address, &e.postcode, &e.message, &e.source];
    let file = wanted[0];
    let pairs =
        wanted.iter().skip(1).zip(said).filter(|(wanted, said)| **wanted != said.as_str() && **wanted != "*");
    pairs.map(|(wanted, said)| format!("{file}: {said:?} for {wanted:?}")).collect()
}

#[test]
fn layouts_are_read() {
    let wrong: Vec<String> = LAYOUTS.iter().flat_map(faults).collect();
    assert!(wrong.is_empty(), "{} of {} layouts:\n{}", wrong.len(), LAYOUTS.len(), wrong.join("\n"));
}

#[test]
fn mails_of_shops_and_people_are_no_leads() {
    let mut wrong = Vec::new();
    for name in [
        "newsletter",
        "receipt",
        "invoice",
        "delivery",
        "wordpress-user",
        "wordpress-comment",
        "signature",
        "shop-order",
        "account",
        "forwarded",
        "booking-travel",
        "webinar",
        "quote-sent",
        "lead-report",
        "calendar",
        "colleague",
    ] {
        let found = reading(&format!("layouts/not-{name}"));
        if !matches!(found, MailResult::Unrelated | MailResult::NotALead { .. }) {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_half_a_form_is_reviewed() {
    assert!(matches!(reading("layouts/review-picture"), MailResult::Unreadable { .. }));
    let MailResult::Leads(leads) = reading("layouts/review-no-contact") else { panic!("no lead") };
    assert_eq!((leads[0].enquiry.name.as_str(), leads[0].is_answerable()), ("Fran Ode", false));
}

#[test]
fn a_sender_whose_name_holds_a_comma_is_one() {
    let from = from_rfc822(&mail("cases/b08-from-encoded-comma")).from.unwrap();
    assert_eq!((from.name.as_deref(), from.address.as_str()), (Some("Müller, Grace"), "grace@example.org"));
}
