//! Layouts of lead mails with what has to be read of each, and mails that are no leads.

use crate::lead::lead_format::formats::read_mail as read;
use crate::lead::lead_format::mail::{IncomingMail, MailResult, Rules};
use crate::message::mail::from_rfc822;

/// What has to be read of a mail; `*` where it does not matter: file, name, mail address, telephone number, address, postcode, message, source.
type Wanted = [&'static str; 8];

/// Sets of layouts that were written before the code had read one of them.
const SETS: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h"];

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
    ["layouts/angi-card", "Denise Kowalski", "denise.k@example.com", "(614) 555-0137", "2210 Neil Ave, Columbus, OH 43201", "43201", "The unit runs but blows warm air. It is about 12 years old.", "angi"],
    ["layouts/homeadvisor-instant", "Marcus Bell", "mbell77@example.com", "303-555-0162", "901 S Pearl St, Denver, CO", "80209", "Water heater is leaking from the bottom. Need someone today if possible.", "angi"],
    ["layouts/yelp-raq", "Trevor M.", "", "", "", "94110", "Our kitchen outlets on one wall stopped working after a storm.\n\nBreaker isn't tripped.", "yelp"],
    ["layouts/lsa-message", "Priscilla Ames", "", "+1 415-555-0129", "", "94117", "Hello, I need a quote to replace two toilets. Do you have time next week?", "google_local_services"],
    ["layouts/networx-html", "Gloria Esteban", "gloria.e@example.com", "(786) 555-0119", "4120 SW 8th St, Miami, FL 33134", "33134", "The roof leaks in two places over the garage, tiles are broken.", "networx"],
    ["layouts/porch-html", "Ellen Vaughn", "ellen.vaughn@example.com", "(206) 555-0151", "5537 Ballard Ave NW, Seattle, WA 98107", "98107", "Cabinet doors only, 24 of them. We have already picked the colour.", "porch"],
    ["layouts/modernize", "Luther Bishop", "luther.b@example.com", "4705550188", "88 Peachtree Hills Ave, Atlanta, GA", "30305", "", "modernize"],
    ["layouts/elocal", "Ramona Fitch", "", "(813) 555-0174", "", "33606", "Locked out of house, key broke off in the deadbolt.", "elocal"],
    ["layouts/craftjack", "Shawn Oduya", "shawn.oduya@example.com", "(773) 555-0115", "3342 N Clark St, Chicago, IL 60657", "60657", "Basement bathroom, down to the studs. Looking for design help too.", "craftjack"],
    ["layouts/nextdoor-message", "Abigail Thorne", "", "", "", "", "Hi! Do you repair sprinkler heads? Three of ours are stuck. We're on Maple Court.", "nextdoor"],
    ["layouts/ratedpeople-bought", "Gwen Hartley", "gwen.hartley@example.com", "07700 900412", "", "BN2 9QA", "Front garden wall has fallen over, about 4 metres. Brick can be reused.", "rated_people"],
    ["layouts/myhammer", "Sabine Kraft", "sabine.kraft@example.de", "0151 23456789", "Rosenstraße 14, 80331 München", "80331", "Laminat in zwei Zimmern (42 m²) verlegen, alter Teppich muss raus.", "my_hammer"],
    ["layouts/habitissimo", "Rosario Peña", "rosario.p@example.es", "655 123 987", "Sevilla", "41013", "Cambiar la instalación eléctrica de un piso de 70 m2, unos 20 puntos de luz.", "habitissimo"],
    ["layouts/hellopro", "Benoît Carpentier", "b.carpentier@example.fr", "02 40 55 01 23", "12 quai de la Fosse, Nantes", "44000", "Nous cherchons un devis pour une porte sectionnelle 3 x 3 m, motorisée, pose comprise.", "hellopro"],
    ["layouts/werkspot", "Marloes van den Berg", "marloes.vdberg@example.nl", "06 24681357", "Haarlem", "2011 RC", "Dakkapel schilderen, 3 meter breed. Hout is op enkele plekken rot.", "werkspot"],
    ["layouts/hipages", "Lachlan Reid", "lachlan.reid@example.com.au", "0491 570 156", "Marrickville NSW 2204", "2204", "Split system in the lounge is dripping inside. About 5 years old, Daikin.", "hipages"],
    ["layouts/serviceseeking", "Mei Tran", "mei.tran@example.com.au", "0491 570 737", "Footscray, VIC 3011", "3011", "Need a bond clean for a 2 bedroom unit, carpets included. Keys with the agent.", "serviceseeking"],
    ["layouts/cf7-footer", "Hector Salas", "hector@example.com", "210-555-0144", "", "", "We need the AC tuned before summer:\n- 2 condensers\n- 1 mini split\n\nThanks, Hector", "wordpress"],
    ["layouts/wpforms-compact", "Jill Underwood", "jill.u@example.com", "(512) 555-0132", "402 Manor Rd, Austin, TX 78722", "78722", "Garbage disposal and a dripping faucet.\n\nDog is friendly.", "wordpress"],
    ["layouts/gravity-sections", "Mrs. Odalys Fuentes", "odalys@example.com", "(305) 555-0176", "77 Ocean Dr, Apt 4B, Miami Beach, FL 33139, United States", "33139", "Garage door off its track.\nCar is stuck inside.", "form_mail"],
    ["layouts/fluent-forms", "Bram Castillo", "bram@example.com", "+15125550193", "900 Airport Blvd, Austin, TX, 78702, United States", "78702", "Two trees to grind, one by the fence.", "wordpress"],
    ["layouts/formidable-table", "Saoirse Byrne", "saoirse@example.ie", "085 555 0123", "14 Shop Street, Galway", "H91 X2Y3", "Boiler loses pressure overnight.", "form_mail"],
    ["layouts/forminator", "Callum Drew", "callum@example.co.uk", "01632 960123", "", "", "Gutter cleaning for a semi, conservatory at the back.", "wordpress"],
    ["layouts/elementor-br", "Wendell Osei", "wendell@example.com", "7135550182", "", "77008", "Can you come look at my fuse box? It buzzes.\nEvenings best.", "form_mail"],
    ["layouts/shopify-contact", "Imani Brooks", "imani@example.com", "4045550150", "", "", "Do you install the smart thermostats you sell? I have a two stage heat pump.\n\nAnd how much is it?", "shopify"],
    ["layouts/webflow-html", "Stellan Roy", "stellan@example.com", "512 555 0104", "", "", "Repaint the exterior trim. One storey ranch.", "webflow"],
    ["layouts/framer", "Yusuf Demir", "yusuf@example.com", "+44 7700 900555", "", "", "New fuse board for a Victorian terrace.", "framer"],
    ["layouts/ruby", "Patty Lindgren", "", "(503) 555-0168", "1410 SE Ash St, Portland", "", "She has water coming through the ceiling below the upstairs bath. Please call back as soon as you can.", "ruby"],
    ["layouts/smith-ai", "Darnell Pope", "darnell.pope@example.com", "+1 (202) 555-0161", "", "20009", "Darnell wants an estimate for replacing a sewer line. He has a camera report from another company.", "smith_ai"],
    ["layouts/callrail-voicemail", "Ines Calderon", "", "505-555-0107", "Santa Fe, NM", "", "Hi, this is Ines Calderon, my furnace quit last night and I have a baby in the house. Please call me back. Thank you.", "callrail"],
    ["layouts/tidio-offline", "Ola Svensson", "ola.svensson@example.com", "512-555-0116", "", "", "Do you service tankless heaters in Round Rock?", "tidio"],
    ["layouts/tawk-offline", "Kamil Nowak", "kamil.nowak@example.com", "", "", "", "Hi, what do you charge for a drain camera?\nWe are near the airport.", "tawk"],
    ["layouts/ninja-table", "Rosalind Beck", "rosalind@example.com", "(602) 555-0143", "", "85018", "Pool pump makes a grinding noise.\nIt is a Pentair.", "form_mail"],
    ["layouts/wix-summary", "Naomi Winter", "naomi.winter@example.com", "+1 512-555-0175", "1801 E 6th St", "", "Need gutters cleaned and one downspout reattached.", "wix"],
    ["layouts/squarespace-new", "Quentin Abara", "quentin@example.com", "(917) 555-0120", "", "", "Two window units and a through-wall unit, third floor, no elevator.\n\nCan you do a Saturday?", "squarespace"],
    ["layouts/weebly-html", "Tobias Falk", "tobias@example.com", "5415550199", "44 Alder Ln, Bend, Oregon, 97701", "97701", "Deck boards are soft near the stairs.", "weebly"],
    ["layouts/godaddy-html", "Lourdes Ibarra", "lourdes.i@example.com", "956-555-0111", "", "", "Garage door opener quit, remote lights up but nothing moves.", "godaddy"],
    ["layouts/jotform-table", "Gideon Marsh", "gideon.marsh@example.com", "(801) 555-0138", "1550 Foothill Dr, Apt 9, Salt Lake City, UT, 84108", "84108", "Bats or mice in the attic, scratching at night.", "jotform"],
    ["layouts/typeform-star", "Alma Reyes", "alma.reyes@example.com", "+15055550172", "", "87106", "Swamp cooler needs starting up, and one duct is loose.", "typeform"],
    ["layouts/formspree-html", "Klara Novak", "klara@example.net", "415 555 0130", "", "", "We have carpenter ants in the kitchen window frame.\n\nTwo dogs, so please pet safe.", "formspree"],
    ["layouts/netlify-html", "Wade Foster", "wade.foster@example.com", "704-555-0155", "", "", "Crawl space is wet after rain. Want a price for encapsulation.", "netlify"],
    ["layouts/hubspot-text", "Ingrid Solberg", "ingrid.solberg@example.com", "651-555-0177", "St. Paul", "", "Radiators upstairs stay cold. Steam, one pipe.", "hubspot"],
    ["layouts/duda", "Corinne Tate", "corinne.tate@example.com", "864-555-0126", "", "", "Please quote a 20 x 24 concrete slab for a garage.", "duda"],
    ["layouts/livechat-ticket", "Freya Holt", "freya.holt@example.com", "", "", "", "Hi, is someone able to look at a tripping fuse in our shop this week?", "livechat"],
    ["layouts/callrail-form", "Jerome Platt", "jplatt@example.com", "919-555-0144", "", "27601", "Want a whole house generator, gas line is already there.", "callrail"],
    ["layouts/thumbtack-direct", "Cecily R.", "", "", "Denver, CO 80211", "80211", "We are moving on Dec 12 and need a deep clean of the old flat, about 900 sq ft.", "thumbtack"],
    ["layouts/aroundhome", "Heike Brandt", "heike.brandt@example.de", "0172 5550133", "Am Markt 8, 04109 Leipzig", "04109", "12 Fenster (Kunststoff, dreifach verglast) inkl. Einbau. Altbau, 2. OG.", "aroundhome"],
    ["layouts/angi-text-2", "Rebecca Stroud", "rebecca.stroud@example.com", "(317) 555-0159", "6120 Central Ave, Indianapolis, IN 46220", "46220", "Sump pump runs every minute since the rain. Basement is finished.", "angi"],
    ["layouts/yelp-direct", "Hannah B.", "", "", "", "", "Hey there! Our garbage disposal is jammed and humming. Are you free on Thursday after 3?", "yelp"],
    ["layouts/oneflare", "Sienna Walsh", "sienna.walsh@example.com.au", "0491 572 549", "Fremantle, WA 6160", "6160", "Hedges along the driveway, about 20m. Need clippings removed.", "oneflare"],
    ["layouts/prontopro", "Marco Bellini", "marco.bellini@example.it", "349 555 0123", "Bologna", "40121", "Devo sostituire la caldaia, appartamento di 85 mq al secondo piano.", "prontopro"],
    ["layouts/trustatrader", "Alistair Boyd", "a.boyd@example.co.uk", "07700 900711", "", "EH9 1PL", "Sash windows in the front room are painted shut. Four of them.", "trustatrader"],
    ["layouts/cf7-custom-html", "Odette Laurent", "odette@example.com", "504.555.0113", "700 Dauphine St, New Orleans, LA 70116", "70116", "Shutters need repainting, dark green.", "wordpress"],
    ["layouts/wpforms-steps", "Desmond Akers", "desmond@example.com", "(615) 555-0148", "1208 Gallatin Ave, Nashville, TN", "37206", "Furnace is 22 years old and short cycles. Want two options with prices.", "form_mail"],
    ["layouts/gravity-text", "Lenore Whitcomb", "lenore@example.com", "(207) 555-0164", "", "", "Ice dams on the north side. We'd like heat cable priced.", "wordpress"],
    ["layouts/patlive", "Mr. Cornelius Ford", "", "804-555-0110", "21 Monument Ave", "", "Caller says his chimney cap blew off and rain is coming in. Wants a call today.", "patlive"],
    ["layouts/callrail-missed", "", "", "(414) 555-0135", "Milwaukee, WI", "", "", "callrail"],
    ["layouts/tidio-chat", "Rufus Lane", "rufus.lane@example.com", "", "", "", "*", "tidio"],
    ["layouts/crisp-offline", "Annika Berg", "annika.berg@example.com", "", "", "", "Hello, I would like to book the yearly service for two fireplaces.", "crisp"],
    ["layouts/forminator-uk", "Bronwen Pugh", "bronwen@example.co.uk", "01970 555012", "3 Pier Street, Aberystwyth", "SY23 2LN", "Could you quote for rewiring a three bed terrace?", "wordpress"],
    ["layouts/zoho-form", "Padma Iyer", "padma.iyer@example.com", "+1 732-555-0190", "9 Cedar Ln, Edison, NJ, 08817, United States", "08817", "Two bathrooms, regrout and new caulk around the tubs.", "zoho_forms"],
    ["layouts/fillout", "Joaquin Vela", "joaquin@example.com", "(505) 555-0146", "Taos, NM", "", "Adobe wall has a long crack beside the kiva fireplace. Photos on request.", "fillout"],
    ["layouts/angi-fixed", "Dominic Serra", "dserra@example.com", "718-555-0117", "34-20 79th St, Jackson Heights, NY 11372", "11372", "Need an outlet for a window AC and the ceiling light replaced.", "angi"],
    ["layouts/houzz-plain", "Meredith Cole", "meredith.cole@example.com", "(312) 555-0181", "Chicago, IL 60614", "60614", "We'd like built-in shelves on both sides of a fireplace, painted.\n\nCeiling height is 9 ft.", "houzz"],
    ["layouts/lsa-booking", "Everett Lyle", "", "(480) 555-0166", "", "85251", "", "google_local_services"],
    ["layouts/check24", "Ralf Zimmermann", "r.zimmermann@example.de", "+49 160 5550144", "Hauptstr. 22, 50667 Köln", "50667", "Badezimmer 6 m² komplett sanieren. Start ab Februar.", "check24"],
    ["layouts/travaux", "Nadège Perrin", "nadege.perrin@example.fr", "06 70 55 01 88", "Grenoble", "38000", "Isolation des combles perdus, environ 90 m². Accès par trappe.", "travaux"],
    ["layouts/cronoshare", "Iker Zubiri", "iker.z@example.es", "688 555 012", "Bilbao (Bizkaia)", "", "Necesito un fontanero, el termo gotea por abajo y salta el automático.", "cronoshare"],
    ["layouts/elementor-table", "Calista Wray", "calista@example.com", "(386) 555-0153", "", "", "Screen enclosure torn by the storm, 3 panels.", "wordpress"],
    ["layouts/fluent-text", "Osvaldo Pinto", "osvaldo@example.com", "561-555-0108", "", "33401", "Impact windows for a condo, seven openings.", "form_mail"],
    ["layouts/shopify-html", "Delphine Roux", "delphine@example.com", "+1 514-555-0142", "", "", "Bonjour, livrez-vous et installez-vous les thermopompes à Laval?", "shopify"],
    ["layouts/gf-german", "Herr Dr. Uwe Lang", "uwe.lang@example.de", "089 5550177", "Ahornweg 3, 81369 München", "81369", "Wallbox 11 kW in der Tiefgarage, Zählerschrank ist neu.", "wordpress"],
    ["layouts/smith-chat", "Bettina Croft", "bettina.croft@example.com", "(703) 555-0125", "", "", "Looking for a bid on refinishing oak stairs, 14 treads.", "smith_ai"],
    ["layouts/answerconnect", "Trudy Simms", "trudy.simms@example.com", "971-555-0139", "88 NW Kings Blvd, Corvallis, OR", "", "Needs septic pumped before a family gathering on Dec 19. Lid is under a planter.", "answerconnect"],
    ["layouts/tawk-html", "Solveig Dahl", "solveig@example.com", "612-555-0183", "", "", "Can you take down a silver maple this winter?", "tawk"],
    ["layouts/jimdo", "Pia Lorenz", "pia.lorenz@example.de", "0421 5550121", "", "", "Guten Tag, wir suchen jemanden, der unsere Hecke zweimal im Jahr schneidet.\n\nFreundliche Grüße\nPia Lorenz", "jimdo"],
    ["layouts/mailto-sentence", "Arthur Pell", "arthur.pell@example.com", "540-555-0102", "", "", "Well pump loses prime. Tank is in the crawl space.", "wordpress"],
    ["layouts/homeadvisor-table", "Tamsin Gale", "tamsin.gale@example.com", "(816) 555-0128", "4821 Wornall Rd, Kansas City, MO 64112", "64112", "Bathtub drains slowly, already tried a snake.", "angi"],
    ["layouts/thumbtack-plain", "Yolanda K.", "", "(602) 555-0191", "Tempe, AZ 85281", "85281", "It's a 3 ton unit on the roof. Landlord wants an invoice.", "thumbtack"],
    ["layouts/nextdoor-plain", "Grant Ellery", "", "", "", "", "Hi, our water pressure dropped this week, can you have a look before the holidays?", "nextdoor"],
    ["layouts/buildzoom", "Winona Harte", "winona.harte@example.com", "510-555-0156", "2811 Woolsey St, Berkeley, CA", "94705", "Detached garage to be turned into a studio with a bath, about 400 sq ft.", "buildzoom"],
    ["layouts/airtasker", "Priya N.", "", "0491 571 804", "Parramatta NSW, Australia", "", "Mount a 65 inch TV on a brick wall and hide the cables.", "airtasker"],
    ["layouts/trustlocal-nl", "Joost Verhoeven", "joost.verhoeven@example.nl", "06-55501234", "Eindhoven", "5611 EM", "Graag offerte voor het vervangen van 8 zonnepanelen op plat dak.", "form_mail"],
    ["layouts/cf7-spanish", "Macarena Soto", "macarena@example.es", "611 555 087", "", "", "¿Hacen reparaciones de persianas? Tengo dos atascadas.\nGracias", "wordpress"],
    ["layouts/contact-form-french", "Guillaume Morel", "g.morel@example.fr", "07 81 55 02 14", "9 rue du Moulin, 35000 Rennes", "35000", "Bonjour, ma porte de garage ne ferme plus complètement. Merci.", "form_mail"],
    ["layouts/gohighlevel", "Trent Maddox", "trent.maddox@example.com", "+13165550140", "", "", "Old deck, 12x16, needs sanding and stain.", "form_mail"],
    ["layouts/landing-unbounce", "Sheila Novotny", "sheila.n@example.com", "402-555-0173", "", "68102", "", "unbounce"],
    ["layouts/wix-chat", "Ewan Baird", "ewan.baird@example.co.uk", "", "", "", "Good morning, could you service an oil boiler near Perth?", "wix"],
    ["layouts/ruby-html", "Felicity Grant", "felicity.grant@example.com", "(541) 555-0127", "", "", "Felicity is remodeling a kitchen and would like an in-home estimate for cabinets.", "ruby"],
    ["layouts/openphone-voicemail", "", "", "(208) 555-0119", "", "", "Hey, this is Dale. My sprinkler line froze and burst by the valve box. Call me back.", "form_mail"],
    ["layouts/paperform", "Odell Sykes", "odell.sykes@example.com", "(205) 555-0162", "77 Vulcan Rd, Homewood, AL 35209", "35209", "Retaining wall is leaning, roughly 30 feet long and 4 high.", "paperform"],
    ["layouts/hubspot-chat", "Lorna Quist", "lorna.quist@example.com", "", "", "", "Is a permit needed to swap a water heater in Carver County?", "hubspot"],
    ["layouts/porch-plain-2", "Isabel Duarte", "isabel.duarte@example.com", "(503) 555-0122", "915 NE Going St, Portland, OR 97211", "97211", "Drywall patch, about 2 x 3 feet, behind a door.", "porch"],
    ["layouts/rated-people-text", "Ruaridh Innes", "ruaridh.innes@example.co.uk", "07700 900299", "Stirling", "FK8 1QZ", "Need a new consumer unit and two extra sockets in the garage.", "rated_people"],
    ["layouts/werkspot-text", "Hendrik Bos", "h.bos@example.nl", "06 12 98 76 54", "Lindelaan 4, 3571 AB Utrecht", "3571 AB", "De afvoer in de badkamer loopt niet door, ontstopper hielp niet.", "werkspot"],
    ["layouts/bark-html-2", "Louisa Trent", "louisa.trent@example.co.uk", "07700 900633", "Reading, RG1 8DH", "RG1 8DH", "Wedding guests staying, so the house has to shine by Friday.", "bark"],
    ["layouts/starofservice", "Mathilde Aubert", "m.aubert@example.fr", "06 55 01 22 33", "Montpellier", "34000", "Bonjour, fuite sous l'évier depuis hier soir, j'ai coupé l'eau.", "starofservice"],
    ["layouts/cf7-table", "Millicent Fay", "millicent@example.com", "(843) 555-0165", "3 Tradd St, Charleston", "29401", "Storm shutters rattle and two hinges are rusted through.", "wordpress"],
    ["layouts/formidable-text", "Leopold Hahn", "leopold@example.at", "+43 1 5550123", "Wien", "1070", "Bitte um Angebot für das Abschleifen von 60 m² Fischgrätparkett.", "form_mail"],
    ["layouts/elementor-long", "Raelynn Tubbs", "raelynn@example.com", "9185550164", "5404 E 21st St, Tulsa, OK 74114", "74114", "Roof vents leak when it blows from the south.\n\nInsurance adjuster comes Monday.", "form_mail"],
    ["layouts/jotform-plain", "Otis Randle", "otis.randle@example.com", "(901) 555-0143", "2240 Union Ave, Memphis, Tennessee, 38104", "38104", "Two sash cords broke and one pane is cracked.", "jotform"],
    ["layouts/godaddy-text", "Sunita Rao", "sunita.rao@example.com", "408-555-0187", "", "", "Is your duct cleaning safe for birds? We keep two cockatiels.", "godaddy"],
    ["layouts/abby-connect", "Mrs. Dolores Haim", "", "(702) 555-0133", "", "", "Her AC drain line is backing up into the closet. Would like someone before 4 pm.", "abby_connect"],
    ["layouts/whatconverts", "Burt Landry", "burt.landry@example.com", "(225) 555-0158", "", "", "Generator will not start after the outage. Kohler 20 kW.", "whatconverts"],
    ["layouts/tally", "Freddie Nash", "freddie@example.co.uk", "+447700900187", "", "", "Loft hatch and ladder, joists run left to right.", "tally"],
    ["layouts/web3forms", "Kestrel Vaughan", "kestrel@example.com", "360-555-0110", "", "", "Moss on the roof, north slope. How much for treatment?", "web3forms"],
    ["layouts/plain-handmade", "Gus Wendt", "gus.wendt@example.com", "719-555-0192", "", "", "Need snow guards on a metal roof over the front door, about 14 feet.", "form_mail"],
    ["layouts/angi-message-card", "Vivian Osborne", "v.osborne@example.com", "(913) 555-0118", "1207 W 75th St, Prairie Village, KS 66208", "66208", "Half the outlets on the second floor are dead. Panel was replaced in 2019.", "angi"],
    ["layouts/yelp-quote-plain", "Silas W.", "", "", "", "97211", "Two story craftsman, built 1912. Paint is peeling on the south side.", "yelp"],
    ["layouts/hipages-direct", "Noah Petrov", "noah.petrov@example.com.au", "0491 573 087", "18 Beach Rd, Cronulla NSW 2230", "2230", "Hot water unit is leaking from the relief valve, gas, Rheem.", "hipages"],
    ["layouts/myhammer-html", "Torsten Wulf", "torsten.wulf@example.de", "0176 55501234", "Hamburg", "22303", "Umzug 3 Zimmer, 2. Stock ohne Aufzug, ca. 40 Kartons.", "my_hammer"],
    ["layouts/habitissimo-it", "Ornella Greco", "ornella.greco@example.it", "328 555 0199", "Torino", "10121", "Vorrei rifare il bagno, circa 5 mq, con doccia al posto della vasca.", "habitissimo"],
    ["layouts/cf7-minimal", "Beatrix Olsen", "beatrix@example.com", "", "", "", "Do you clean dryer vents in town homes?", "wordpress"],
    ["layouts/wpforms-modern", "Clifton Reyes", "clifton@example.com", "(915) 555-0170", "", "", "Evaporative cooler conversion to refrigerated air, 1,800 sq ft.", "wordpress"],
    ["layouts/squarespace-text", "Hattie Boone", "hattie@example.com", "(859) 555-0141", "410 Walnut St, Lexington, KY, 40507, United States", "40507", "Brick steps are crumbling. Looking for repointing.", "squarespace"],
    ["layouts/netlify-text", "Emmett Vance", "emmett@example.com", "828-555-0112", "", "", "Log cabin needs re-chinking on the west wall.\nWe are up on weekends.", "netlify"],
    ["layouts/webflow-text", "Ramsey Okafor", "ramsey@example.com", "346 555 0199", "", "77019", "Fence line 120 ft, cedar side by side.", "webflow"],
    ["layouts/typeform-plain", "Zelda Marsh", "zelda.marsh@example.com", "+18015550133", "", "", "Gas line for an outdoor kitchen, about 45 feet from the meter.", "typeform"],
    ["layouts/callrail-text-message", "", "", "256-555-0136", "", "", "Hi are you open saturday? my toilet wont stop running", "callrail"],
    ["layouts/livechat-transcript", "Corbin Hale", "corbin.hale@example.com", "", "", "", "*", "livechat"],
    ["layouts/google-business", "Wilhelmina Dorr", "wilhelmina@example.com", "+1 920-555-0177", "", "", "Would you install a sump pump backup? Ours failed last spring.", "form_mail"],
    ["layouts/ninja-text", "Ambrose Teal", "ambrose@example.com", "603-555-0184", "12 Mill Pond Rd, Exeter, NH", "03833", "Chimney sweep and a liner inspection, wood stove.", "wordpress"],
    ["layouts/angi-confirm", "Jerrold Finch", "jfinch@example.com", "(402) 555-0149", "5012 Cass St, Omaha, NE", "68132", "Replace a broken spindle and tighten the railing.", "angi"],
    ["layouts/thumbtack-html-2", "Marisol V.", "", "(210) 555-0105", "San Antonio, TX 78209", "78209", "Please bring a helper, the armoire is solid oak.", "thumbtack"],
    ["layouts/elocal-text", "Vernon Peck", "vpeck@example.com", "336-555-0178", "", "27401", "Squirrels in the soffit.", "elocal"],
    ["layouts/modernize-html", "Claudette Moss", "claudette.moss@example.com", "(702) 555-0167", "6401 Elton Ave, Las Vegas, NV 89107", "89107", "", "modernize"],
    ["layouts/serviceseeking-html", "Hamish Orr", "hamish.orr@example.com.au", "0491 575 254", "Ipswich, QLD", "4305", "Shed slab, 6 x 9 m, site is level.", "serviceseeking"],
    ["layouts/instapro", "Fabrizio Longo", "fabrizio.longo@example.it", "333 555 0142", "Via Garibaldi 7, Padova", "35122", "Tapparella bloccata in camera, motore elettrico.", "instapro"],
    ["layouts/divi-contact", "Prudence Kell", "prudence@example.com", "", "", "", "Hi, do you rebuild stone walls? Ours slid after the frost.", "wordpress"],
    ["layouts/wsform", "Lowell Gibbs", "lowell@example.com", "(919) 555-0101", "14 Haven Ln, Cary, NC 27511", "27511", "Back patio floods in every storm, need a french drain.", "wordpress"],
    ["layouts/metform", "Carmine Russo", "carmine@example.com", "201-555-0126", "", "", "Grease trap backed up at a deli, kitchen is closed until fixed.", "form_mail"],
    ["layouts/wix-text", "Aurelia Stone", "aurelia.stone@example.com", "424-555-0137", "", "", "Skylight flashing, and one pane is fogged.", "wix"],
    ["layouts/duda-text", "Reinhold Fisk", "reinhold@example.com", "262-555-0161", "", "", "Dock section came loose, need it re-set before ice.", "duda"],
    ["layouts/smith-intake", "Phyllida Crane", "", "(718) 555-0194", "", "", "Wants a second opinion on a boiler replacement quote. Prefers a text first.", "smith_ai"],
    ["layouts/tidio-html-2", "Rory Blake", "rory.blake@example.com", "+1 512-555-0150", "", "", "My garbage disposal leaks onto the cabinet floor, how fast can you come?", "tidio"],
    ["layouts/framer-text", "Una Keogh", "una@example.ie", "087 555 0132", "", "", "Can you match old coving in a hallway?", "framer"],
    ["layouts/kliken-german", "Dörte Ahlers", "doerte@example.de", "0441 5550156", "Oldenburg", "26121", "Unsere Markise fährt nicht mehr ein. Marke Weinor, Baujahr 2012.", "form_mail"],
    ["layouts/homeadvisor-plain-2", "Opal Jennings", "opal.j@example.com", "405-555-0122", "3300 NW 23rd St, Oklahoma City, OK 73107", "73107", "Storm took about ten shingles off the back slope.", "angi"],
    ["layouts/yelp-nearby", "Ignacio P.", "", "", "", "60622", "Condo, third floor, need two interior doors hung. Doors are here already.", "yelp"],
    ["layouts/checkatrade-2", "Fergus Dunn", "fergus.dunn@example.co.uk", "07700 900841", "", "LS17 6AB", "Leaking flat roof over the kitchen extension, felt is about 20 years old.", "checkatrade"],
    ["layouts/mybuilder-2", "Oonagh Reilly", "oonagh.reilly@example.co.uk", "07700 900375", "", "BT9 6AW", "Chimney breast removal on the ground floor. Structural drawings are done.", "mybuilder"],
    ["layouts/habitissimo-text", "Jacinto Bravo", "jacinto.bravo@example.es", "699 555 013", "Valencia", "46001", "Necesito alisar paredes y quitar gotelé en un piso de 90 m2.", "habitissimo"],
    ["layouts/builderscrack", "Aroha Ngata", "aroha.ngata@example.co.nz", "021 555 0148", "Mount Eden, Auckland", "", "Deck boards replaced, 24 m2, joists look fine.", "builderscrack"],
    ["layouts/cf7-labels-below", "Sylvester Knox", "sylvester@example.com", "304-555-0116", "", "", "Retaining wall and steps, wants stone.\nWill be home after 4.", "wordpress"],
    ["layouts/gravity-product", "Adelaide Roth", "adelaide@example.com", "(952) 555-0139", "6800 France Ave S, Edina, Minnesota 55435, United States", "55435", "Humidifier pad and a filter, also check the flame sensor.", "wordpress"],
    ["layouts/fluent-german", "Hannelore Fuchs", "h.fuchs@example.de", "0711 5550188", "Stuttgart", "70173", "Bitte um Rückruf wegen Rohrreinigung, Spüle läuft nicht ab.", "wordpress"],
    ["layouts/squarespace-scheduling", "Barnaby Quill", "barnaby@example.com", "(401) 555-0108", "", "02906", "Old knob and tube in the attic, insurer wants it out.", "squarespace"],
    ["layouts/hubspot-html-2", "Tilda Norberg", "tilda@example.com", "+1 218-555-0155", "", "", "Sauna heater trips the breaker, 8 kW unit.", "hubspot"],
    ["layouts/typeform-numbered", "Monty Greer", "monty.greer@example.com", "(303) 555-0192", "", "", "Egress window in a basement bedroom, brick veneer outside.", "typeform"],
    ["layouts/ruby-text-2", "Eustace Monk", "eustace@example.com", "(458) 555-0171", "", "", "Would like to reschedule... actually a new estimate for a second bathroom fan.", "ruby"],
    ["layouts/tawk-ticket", "Xenia Pappas", "xenia@example.com", "", "", "", "Do you repair awnings that were installed by someone else?", "tawk"],
    ["layouts/formsubmit-box", "Percy Lund", "percy.lund@example.com", "708-555-0150", "", "", "Bilco door is rusted shut.", "formsubmit"],
    ["layouts/angi-lead-3", "Marcella Dunn", "marcella.dunn@example.com", "(216) 555-0130", "1890 W 25th St, Cleveland, OH", "44113", "Outdoor spigot froze last winter and drips inside the wall.", "angi"],
    ["layouts/networx-text-2", "Perry Oswald", "perry.oswald@example.com", "561-555-0188", "11 Palm Way", "33480", "Two impact doors, one sliding. Permit needed.", "networx"],
    ["layouts/craftjack-html", "Rochelle Amos", "rochelle.amos@example.com", "(404) 555-0192", "2790 Cascade Rd SW, Atlanta, GA 30311", "30311", "Popcorn ceiling in four rooms, house is empty.", "craftjack"],
    ["layouts/taskrabbit", "Monroe T.", "", "", "Oakland, CA 94610", "94610", "Assemble a crib and a dresser. Second floor, street parking.", "taskrabbit"],
    ["layouts/aroundhome-text", "Markus Stein", "markus.stein@example.de", "0160 5550189", "Gartenweg 12, 70565 Stuttgart", "70565", "Treppenlift für eine gewendelte Treppe, 14 Stufen.", "aroundhome"],
    ["layouts/habitissimo-plain-3", "Remedios Cano", "remedios@example.es", "644 555 021", "Málaga", "29001", "Hola, quiero poner aire acondicionado por conductos en un piso de 3 habitaciones.", "habitissimo"],
    ["layouts/cf7-multistep", "Hollis Baird", "hollis@example.com", "(801) 555-0116", "44 Aspen Ct, Park City, UT 84060", "84060", "Heat tape on the north gutters stopped working.", "wordpress"],
    ["layouts/gravity-one-col", "Tamika Rowe", "tamika@example.com", "(504) 555-0119", "", "70119", "Shotgun house, need the piers looked at.\nFloor slopes to one side.", "wordpress"],
    ["layouts/wpforms-german", "Silke Brandl", "silke@example.de", "0911 5550142", "", "90402", "Rollladen im Wohnzimmer klemmt, Gurt ist gerissen.", "wordpress"],
    ["layouts/squarespace-plain-2", "Jonah Feld", "jonah@example.com", "(646) 555-0123", "", "", "Mirror wall for a home gym, 12 x 8 ft.", "squarespace"],
    ["layouts/typeform-list", "Anders Holm", "anders@example.com", "+16515550148", "Duluth", "", "Replace six storm windows on a 1920s house.", "typeform"],
    ["layouts/callrail-voicemail-2", "", "", "+1 913-555-0158", "Overland Park, KS", "", "Hello, I got your number from a neighbor. Our deck needs sealing before winter. Thanks.", "callrail"],
    ["layouts/answering-plain", "Vera Pitt", "", "541-555-0162", "230 Elm Ave", "", "Wasp nest above the garage door, kids at home. Please call.", "form_mail"],
    ["layouts/tawk-transcript", "Lionel Hart", "lionel@example.com", "", "", "", "*", "tawk"],
    ["layouts/hubspot-meeting-form", "Beatrice Low", "beatrice.low@example.com", "206-555-0184", "", "98115", "Crawlspace smells musty after the last storm.", "hubspot"],
    ["layouts/angi-lead-4", "Gordon Hale", "gordon.hale@example.com", "(585) 555-0177", "77 Park Ave, Rochester, NY 14607", "14607", "Boiler bangs when it starts. Cast iron radiators.", "angi"],
    ["layouts/porch-html-3", "Nils Ostrander", "nils.o@example.com", "(425) 555-0113", "1402 Maple Dr, Bothell, WA 98011", "98011", "Cedar fence, 3 posts rotted at the ground.", "porch"],
    ["layouts/hipages-text-3", "Isla Brooks", "isla.brooks@example.com.au", "0491 577 644", "Geelong VIC 3220", "3220", "Ceiling fan install x 3, high ceilings in two rooms.", "hipages"],
    ["layouts/hellopro-html", "Sophie Vasseur", "s.vasseur@example.fr", "04 78 55 01 44", "Villeurbanne", "69100", "Besoin d'un monte-charge pour un entrepôt, 500 kg, deux niveaux.", "hellopro"],
    ["layouts/mybuilder-3", "Nadia Rahman", "nadia.rahman@example.co.uk", "07700 900944", "", "E17 4QH", "Loft boarding, about 20 square metres, with a new hatch.", "mybuilder"],
    ["layouts/cf7-french", "Éric Blanchard", "eric.blanchard@example.fr", "06 61 55 01 77", "", "31400", "Bonjour, le portail électrique ne s'ouvre plus depuis l'orage.\nMerci de votre retour.", "wordpress"],
    ["layouts/gravity-consent", "Rosemary Tate", "rosemary@example.com", "(864) 555-0150", "8 Mills Ave, Greenville, SC 29605, United States", "29605", "Crown molding in the dining room, painted white.", "form_mail"],
    ["layouts/elementor-spanish", "Ximena Duarte", "ximena@example.mx", "81 5555 0123", "", "", "Se tapó la coladera del patio y se inunda.", "form_mail"],
    ["layouts/wix-plain-2", "Simone Ager", "simone.ager@example.com", "303-555-0171", "", "", "Basement bathroom fan vents into the attic, needs rerouting.", "wix"],
    ["layouts/jotform-html-3", "Ferris Cobb", "ferris.cobb@example.com", "(334) 555-0109", "61 Dexter Ave, Montgomery, AL", "36104", "Termite tubes on the back wall near the deck.", "jotform"],
    ["layouts/smith-text-3", "Auden Price", "", "(737) 555-0141", "", "", "Needs a quote to move a thermostat and add a zone. Available after 5.", "smith_ai"],
    ["layouts/crisp-plain", "Odile Fabre", "odile@example.fr", "", "", "", "Bonjour, faites-vous l'entretien des poêles à granulés ?", "crisp"],
    ["layouts/netlify-fr", "Loïc Tanguy", "loic@example.fr", "0298550133", "", "", "Volet roulant bloqué, moteur Somfy.", "netlify"],
    ["layouts/phone-tree", "Hester Moody", "", "505-555-0186", "", "", "Caller needs the swamp cooler winterized, two story house.", "form_mail"],
    ["layouts/shopify-de", "Gerlinde Voss", "gerlinde@example.de", "030 5550166", "", "", "Bauen Sie die Markise auch in Potsdam an?", "shopify"],
];
fn fixture(file: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/fixtures/mail/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn mail(file: &str) -> Vec<u8> {
    fixture(&format!("{file}.eml"))
}

fn reading(file: &str) -> MailResult {
    reading_of(&mail(file))
}

fn reading_of(mail: &[u8]) -> MailResult {
    read(IncomingMail { mail: &from_rfc822(mail), rules: &Rules::default(), is_contacts: false })
}

/// Returns what was read of a mail and should have been read otherwise.
fn faults(name: &str, mail: &[u8], wanted: &[&str]) -> Vec<String> {
    let found = match reading_of(mail) {
        MailResult::Leads(leads) if leads.len() == 1 => leads,
        MailResult::Message(lead) => vec![*lead],
        other => return vec![format!("{name}: {other:?}")],
    };
    let e = &found[0].enquiry;
    let said = [&e.name, &e.email, &e.phone, &e.address, &e.postcode, &e.message, &e.source];
    let pairs = wanted.iter().zip(said).filter(|(wanted, said)| **wanted != said.as_str() && **wanted != "*");
    pairs.map(|(wanted, said)| format!("{name}: {said:?} for {wanted:?}")).collect()
}

#[test]
fn layouts_are_read() {
    let wrong: Vec<String> =
        LAYOUTS.iter().flat_map(|wanted| faults(wanted[0], &mail(wanted[0]), &wanted[1..])).collect();
    assert!(wrong.is_empty(), "{} of {} layouts:\n{}", wrong.len(), LAYOUTS.len(), wrong.join("\n"));
}

/// Mails of a set, each with what has to be read of it in front: see tests/fixtures/mail/sets/README.md.
#[test]
fn sets_of_layouts_are_read() {
    for set in SETS {
        let text = String::from_utf8(fixture(&format!("sets/{set}.txt"))).expect("UTF-8");
        let mails: Vec<&str> = text.split("\n=== ").map(|mail| mail.trim_start_matches("=== ")).collect();
        let wrong: Vec<Vec<String>> = mails.iter().map(|mail| faults_of_set(mail)).collect();
        let count = wrong.iter().filter(|faults| !faults.is_empty()).count();
        assert_eq!(count, 0, "{count} of {} in {set}:\n{}", mails.len(), wrong.concat().join("\n"));
    }
}

fn faults_of_set(mail: &str) -> Vec<String> {
    let (head, mail) = mail.split_once("\n---\n").expect("a rule below what is wanted");
    let mut lines = head.lines();
    let name = lines.next().expect("a name");
    let mut wanted: Vec<String> = Vec::new();
    for (line, label) in lines.zip(["name", "email", "phone", "address", "postcode", "message", "source"]) {
        let value = line.strip_prefix(label).and_then(|rest| rest.strip_prefix(':')).expect(label);
        wanted.push(value.trim().replace("\\n", "\n"));
    }
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    assert_eq!(wanted.len(), 7, "{name}");
    faults(name, mail.as_bytes(), &wanted)
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
