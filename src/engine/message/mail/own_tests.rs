//! Bodies as mail programs lay them out, and what is new in each.

use super::from_rfc822;

fn own(raw: &str) -> String {
    from_rfc822(raw.replace('\n', "\r\n").as_bytes()).own_text().to_owned()
}

fn plain(text: &str) -> String {
    own(&format!(
        "Subject: Re: Your request\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    ))
}

fn html(text: &str) -> String {
    own(&format!(
        "Subject: Re: Your request\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    ))
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/mail/bodies/", $name, ".eml"))
    };
}

#[test]
fn given_bodies_keep_what_is_new() {
    let cases = [
        (
            "apple",
            file!("txt-apple"),
            "Here is the pipe that drips:\n\nPlease come on Tuesday after 4, the gate code is 4711.",
        ),
        ("gmail", file!("txt-gmailhtml"), "Yes please."),
        ("de", file!("txt-q-de"), "Ja, bitte."),
        ("en", file!("txt-q-en"), "Ja, bitte."),
        ("es", file!("txt-q-es"), "Ja, bitte."),
        (
            "stub",
            file!("form-alt-stub"),
            "Name | Golf Hotel\nEmail | golf@cust.example.net\nMessage | No heat",
        ),
    ];
    for (name, raw, expected) in cases {
        assert_eq!(own(raw), expected, "{name}");
    }
}

#[test]
fn plain_answers_are_cut_where_the_quote_begins() {
    let quote = "> Hi Jo,\n> Shall we come on Monday?\n";
    let cases = [
        ("gmail fr", format!("Oui, merci.\n\nLe lun. 30 nov. 2026 à 05:00, Acme <office@acme.example> a\nécrit :\n\n{quote}"), "Oui, merci."),
        ("gmail it", format!("Va bene.\n\nIl giorno lun 30 nov 2026 alle ore 05:00 Acme Plumbing <\noffice@acme.example> ha scritto:\n\n{quote}"), "Va bene."),
        ("gmail pt", format!("Sim.\n\nEm seg., 30 de nov. de 2026 às 05:00, Acme <office@acme.example>\nescreveu:\n\n{quote}"), "Sim."),
        ("gmail nl", format!("Prima.\n\nOp ma 30 nov 2026 om 05:00 schreef Acme <office@acme.example>:\n\n{quote}"), "Prima."),
        ("gmail de wrapped", format!("Passt.\n\nAm Mo., 30. Nov. 2026 um 05:00 Uhr schrieb Acme Sanitär und Heizung <\noffice@acme.example>:\n\n{quote}"), "Passt."),
        ("apple de", format!("Ja gern\n\nVon meinem iPhone gesendet\n\n> Am 30.11.2026 um 05:00 schrieb Acme <office@acme.example>:\n> \n{quote}"), "Ja gern"),
        ("apple es", format!("De acuerdo\n\nEl 30 nov 2026, a las 5:00, Acme <office@acme.example> escribió:\n\n{quote}"), "De acuerdo"),
        ("apple nl", format!("Ja\n\nOp 30 nov 2026, om 05:00 heeft Acme <office@acme.example> het volgende geschreven:\n\n{quote}"), "Ja"),
        ("thunderbird de", format!("Dienstag passt besser.\n\nAm 30.11.26 um 05:00 schrieb Acme:\n{quote}"), "Dienstag passt besser."),
        ("thunderbird pt", format!("Está bem\n\nEm 30/11/2026 05:00, Acme escreveu:\n{quote}"), "Está bem"),
        ("yahoo fr", "Parfait\n\n    Le lundi 30 novembre 2026 à 05:00:00 UTC+1, Acme <office@acme.example> a écrit :\n\n Bonjour Jo,\nPouvons-nous venir lundi ?\n".into(), "Parfait"),
        ("yahoo de", "Ja\n\n    Am Montag, 30. November 2026 um 05:00:00 MEZ hat Acme <office@acme.example> Folgendes geschrieben:  \n\n Hallo Jo\n".into(), "Ja"),
        ("outlook en", "Yes, do come.\n\n________________________________\nFrom: Acme <office@acme.example>\nSent: Monday, November 30, 2026 5:00 AM\nTo: Jo\nSubject: Your request\n\nHi Jo\n".into(), "Yes, do come."),
        ("outlook de", "Gerne am Montag.\n\nMit freundlichen Grüßen\nJo\n\nVon: Acme <office@acme.example>\nGesendet: Montag, 30. November 2026 05:00\nAn: Jo\nBetreff: Ihre Anfrage\n\nHallo Jo\n".into(), "Gerne am Montag.\n\nMit freundlichen Grüßen\nJo"),
        ("outlook fr", "C'est bon.\n\nDe : Acme <office@acme.example>\nEnvoyé : lundi 30 novembre 2026 05:00\nÀ : Jo\nObjet : Votre demande\n\nBonjour\n".into(), "C'est bon."),
        ("outlook it", "Confermo\n\n-----Messaggio originale-----\nDa: Acme\nInviato: lunedì 30 novembre 2026\nA: Jo\nOggetto: x\n\nCiao".into(), "Confermo"),
        ("outlook es", "Confirmo.\n\n*De:* Acme <office@acme.example>\n*Enviado el:* lunes, 30 de noviembre de 2026 5:00\n*Para:* Jo\n*Asunto:* x\n\nHola".into(), "Confirmo."),
        ("proton", "Sure\n\n\n-------- Original Message --------\nOn Monday, 11/30/26 at 05:00 Acme <office@acme.example> wrote:\n\n> Hi Jo\n".into(), "Sure"),
        ("zoho", "Fine.\n\n\n---- On Mon, 30 Nov 2026 05:00:00 +0000 Acme <office@acme.example> wrote ----\n\nHi Jo,\nShall we come?\n".into(), "Fine."),
        ("bottom posted", format!("On 30/11/2026 05:00, Acme wrote:\n{quote}\nYes, at nine.\n\nJo\n"), "Yes, at nine.\n\nJo"),
        ("inline", "On Mon, Nov 30, 2026 at 5:00 AM Acme <office@acme.example> wrote:\n> Which day?\n\nMonday.\n\n> And where?\n\n4 Elm Road.\n".into(), "Monday.\n\n4 Elm Road."),
        ("signature", "Please call me.\n\n-- \nJo Miller\n4 Elm Road\n+1 512 555 0142\n".into(), "Please call me."),
        ("signature before a quote", format!("Ok\n\n-- \nJo\n\nOn Mon, 30 Nov 2026, Acme <a@x.example> wrote:\n{quote}"), "Ok"),
        ("telephone", "STOP\n\nSent from my iPhone\n\n> On Nov 30, 2026, at 5:00 AM, Acme <office@acme.example> wrote:\n> \n> Hi\n".into(), "STOP"),
        ("outlook mobile", "Yes\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Acme\nSent: Monday, November 30, 2026 5:00:00 AM\nTo: Jo\nSubject: x\n\nHi".into(), "Yes"),
        ("unmarked apple", "Monday is fine\n\nOn Nov 30, 2026, at 5:00 AM, Acme <office@acme.example> wrote:\n\nHi Jo,\nShall we come?\n".into(), "Monday is fine"),
        ("old gmail", format!("Sure thing\n\n2026-11-30 5:00 GMT+01:00 Acme <office@acme.example>:\n\n{quote}"), "Sure thing"),
        ("gmail pt-PT", format!("Combinado\n\nAcme <office@acme.example> escreveu (segunda, 30/11/2026 à(s) 05:00):\n\n{quote}"), "Combinado"),
    ];
    check(plain, &cases);
}

#[test]
fn other_programs_and_wrapped_introductions_are_known() {
    let quote = "> Hi Jo,\n> Shall we come on Monday?\n";
    let head = |from: &str, sent: &str, to: &str, subject: &str| {
        format!(
            "Yes\n\n{from} Acme <o@a.example>\n{sent} 30/11/2026 05:00\n{to} Jo <jo@x.example>\n{subject} x\n\nHi Jo\n"
        )
    };
    let cases = [
        ("outlook nl", head("Van:", "Verzonden:", "Aan:", "Onderwerp:"), "Yes"),
        ("outlook pt", head("De:", "Enviado:", "Para:", "Assunto:"), "Yes"),
        ("outlook it", head("Da:", "Data:", "A:", "Oggetto:"), "Yes"),
        ("outlook mac", head("From:", "Date:", "To:", "Subject:"), "Yes"),
        ("outlook es", head("De:", "Enviado:", "Para:", "Asunto:"), "Yes"),
        ("samsung", "Ok\n\nSent from my Galaxy\n\n-------- Original message --------\nFrom: Acme <o@a.example>\nDate: 30/11/26 5:00 am (GMT-06:00)\nTo: Jo\nSubject: x\n\nHi\n".into(), "Ok"),
        ("yahoo mobile", "Sure\n\nSent from Yahoo Mail for iPhone\n\n\nOn Monday, November 30, 2026, 5:00 AM, Acme <o@a.example> wrote:\n\nHi Jo\n".into(), "Sure"),
        ("yahoo es", "Vale\n\n    El lunes, 30 de noviembre de 2026, 05:00:00 CET, Acme <o@a.example> escribió:  \n\n Hola\n".into(), "Vale"),
        ("k9 de", format!("Ja\n\nAm 30. November 2026 05:00:00 MEZ schrieb Acme <o@a.example>:\n{quote}"), "Ja"),
        ("apple fr", format!("Oui\n\n> Le 30 nov. 2026 à 05:00, Acme <o@a.example> a écrit\u{a0}:\n> \n{quote}"), "Oui"),
        ("apple it", format!("Si\n\nIl giorno 30 nov 2026, alle ore 05:00, Acme <o@a.example> ha scritto:\n\n{quote}"), "Si"),
        ("apple pt", format!("Ok\n\nEm 30 de nov. de 2026, à(s) 05:00, Acme <o@a.example> escreveu:\n\n{quote}"), "Ok"),
        ("three lines", format!("Ok\n\nOn Mon, Nov 30, 2026 at 5:00 AM Acme Plumbing and Heating\nof Austin and San Antonio <\noffice@acme.example> wrote:\n\n{quote}"), "Ok"),
        ("links in it", format!("Ok\n\nOn Mon, Nov 30, 2026 at 5:00 AM, Acme <[o@a.example](mailto:o@a.example)> wrote:\n\n{quote}"), "Ok"),
        ("aol", "Ok\n\n\n-----Original Message-----\nFrom: Acme <o@a.example>\nTo: Jo\nSent: Mon, Nov 30, 2026 5:00 am\nSubject: x\n\nHi".into(), "Ok"),
        ("spaced marks", "Ok\n\n > Hi Jo\n >> earlier\n |not a mark".into(), "Ok\n\n|not a mark"),
        ("answer after a signature", "Am 30.11.26 um 05:00 schrieb Acme:\n> Wann?\n> -- \n> Acme\n\nAm Dienstag\n\n-- \nJo".into(), "Am Dienstag"),
    ];
    check(plain, &cases);
}

#[test]
fn html_answers_are_cut_where_the_quote_begins() {
    let cases = [
        (
            "gmail",
            r#"<div dir="ltr">Yes, <b>Monday</b>.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, Nov 30, 2026 at 5:00 AM Acme &lt;<a href="mailto:o@a.example">o@a.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><div>Hi Jo</div></blockquote></div>"#,
            "Yes, Monday.",
        ),
        (
            "gmail inline",
            r#"<div dir="ltr"><div class="gmail_quote"><div class="gmail_attr">On Mon, X wrote:<br></div><blockquote class="gmail_quote">Which day?</blockquote><div>Tuesday.</div><blockquote class="gmail_quote">Where?</blockquote><div>4 Elm Road.</div></div></div>"#,
            "Tuesday.\n4 Elm Road.",
        ),
        (
            "outlook web",
            r#"<html><body><div class="elementToProof">Ja, gerne.</div><div id="appendonsend"></div><hr tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font><b>Von:</b> Acme<br><b>Gesendet:</b> Montag<br><b>An:</b> Jo<br><b>Betreff:</b> x</font></div><div>Hallo Jo</div></body></html>"#,
            "Ja, gerne.",
        ),
        (
            "outlook desktop",
            r"<div class=WordSection1><p class=MsoNormal>Please do.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'><p class=MsoNormal><b>From:</b> Acme &lt;o@a.example&gt; <br><b>Sent:</b> Monday, November 30, 2026 5:00 AM<br><b>To:</b> Jo<br><b>Subject:</b> x<o:p></o:p></p></div></div><p class=MsoNormal>Hi Jo</p></div>",
            "Please do.",
        ),
        (
            "apple",
            r#"<html><body dir="auto">Wednesday?<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On Nov 30, 2026, at 5:00 AM, Acme &lt;o@a.example&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">Hi Jo</div></blockquote></body></html>"#,
            "Wednesday?",
        ),
        (
            "yahoo",
            r#"<div class="ydp1">Sounds good</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>On Monday, November 30, 2026 at 05:00:00 AM EST, Acme &lt;o@a.example&gt; wrote:</div><div>Hi Jo</div></div>"#,
            "Sounds good",
        ),
        (
            "thunderbird",
            r#"<html><body><p>Friday, please.</p><div class="moz-cite-prefix">On 30/11/2026 05:00, Acme wrote:<br></div><blockquote type="cite" cite="mid:x@y"><p>Hi Jo</p></blockquote><div class="moz-signature">-- <br>Jo</div></body></html>"#,
            "Friday, please.",
        ),
        (
            "thunderbird bottom",
            r#"<div class="moz-cite-prefix">Am 30.11.26 um 05:00 schrieb Acme:</div><blockquote type="cite"><p>Wann?</p></blockquote><p>Am Freitag.</p>"#,
            "Am Freitag.",
        ),
        (
            "roundcube",
            r#"<p>D'accord.</p><p id="reply-intro">Le 2026-11-30 05:00, Acme a écrit :</p><blockquote type="cite"><div>Bonjour</div></blockquote>"#,
            "D'accord.",
        ),
        (
            "bare blockquote",
            r"<div>Ja hoor.</div><div>Op ma 30 nov. 2026 om 05:00 schreef Acme &lt;o@a.example&gt;:</div><blockquote><div>Hallo</div></blockquote><div>Groet, Jo</div>",
            "Ja hoor.\nGroet, Jo",
        ),
        (
            "indented by hand",
            r#"<div>The code is</div><blockquote style="margin: 0 0 0 40px; border: none; padding: 0px"><div>4711</div></blockquote>"#,
            "The code is\n4711",
        ),
        (
            "gmail signature",
            r#"<div>Call me</div><div><br></div><span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Jo Miller</div>"#,
            "Call me",
        ),
        (
            "nothing but a quote",
            r#"<div class="gmail_quote"><div class="gmail_attr">On Mon, X wrote:</div><blockquote class="gmail_quote">Hi Jo</blockquote></div>"#,
            "",
        ),
    ];
    check(html, &cases.map(|(name, body, expected)| (name, body.to_owned(), expected)));
}

#[test]
fn what_only_looks_like_a_quote_is_kept() {
    let cases = [
        ("a sentence", "On Monday my landlord wrote:\nfix the boiler.".to_owned(), "On Monday my landlord wrote:\nfix the boiler."),
        ("a dated sentence", "On 3 November 2026 my landlord wrote:\nfix the boiler.".to_owned(), "On 3 November 2026 my landlord wrote:\nfix the boiler."),
        ("a form", "From: Jo\nPhone: 555\nMessage: it drips".to_owned(), "From: Jo\nPhone: 555\nMessage: it drips"),
        ("a rule", "Price?\n____________________________\nAnd when?".to_owned(), "Price?\n____________________________\nAnd when?"),
        ("dashes between", "Two things\n--\n1 the sink\n2 the tub\n3 the tap\n4 the pump\n5 the gate\n6 the yard\n7 the roof\n8 the door\n9 the wall".to_owned(), "Two things\n--\n1 the sink\n2 the tub\n3 the tap\n4 the pump\n5 the gate\n6 the yard\n7 the roof\n8 the door\n9 the wall"),
        ("sent from", "It was\nsent from the shop on Monday".to_owned(), "It was\nsent from the shop on Monday"),
        ("forwarded", "See below\n\n---------- Forwarded message ---------\nFrom: Sam <s@x.example>\nDate: Mon, 30 Nov 2026\nSubject: Boiler\nTo: Jo\n\nIt leaks".to_owned(), "See below\n\n---------- Forwarded message ---------\nFrom: Sam <s@x.example>\nDate: Mon, 30 Nov 2026\nSubject: Boiler\nTo: Jo\n\nIt leaks"),
    ];
    check(plain, &cases);
}

#[test]
fn parts_are_read_in_their_order_and_each_once() {
    let part = |kind: &str, text: &str| format!("--m\nContent-Type: {kind}; charset=utf-8\n\n{text}\n");
    let mixed = |parts: &[String]| {
        own(&format!("Subject: x\nContent-Type: multipart/mixed; boundary=m\n\n{}--m--\n", parts.concat()))
    };
    assert_eq!(
        mixed(&[part("text/html", "<p>Before</p>"), part("image/png", "x"), part("text/plain", "After")]),
        "Before\n\nAfter"
    );
    assert_eq!(
        mixed(&[part("text/plain", "Same text"), part("text/html", "<p>Same <b>text</b></p>")]),
        "Same text"
    );
    let alternative = |plain: &str, html: &str| {
        own(&format!(
            "Subject: x\nContent-Type: multipart/alternative; boundary=m\n\n{}{}--m--\n",
            part("text/plain", plain),
            part("text/html", html)
        ))
    };
    assert_eq!(alternative("Hello there", "<p>Hello there</p>"), "Hello there");
    assert_eq!(alternative("", "<p>Only here</p>"), "Only here");
    assert_eq!(
        alternative("Your mail program cannot show HTML.", "<p>Please call Jo on Monday</p>"),
        "Please call Jo on Monday"
    );
    assert_eq!(
        alternative(
            "Name: Jo Miller, and the boiler in the cellar leaks again since Friday",
            "<p>See the text.</p>"
        ),
        "Name: Jo Miller, and the boiler in the cellar leaks again since Friday"
    );
    assert_eq!(
        alternative(
            "View this mail in your browser: https://x.example/1",
            "<a>View this mail in your browser</a><p>New enquiry of Jo Miller, 4 Elm Road, the boiler is leaking and the house is cold, please call at once</p>"
        ),
        "View this mail in your browser\n\nNew enquiry of Jo Miller, 4 Elm Road, the boiler is leaking and the house is cold, please call at once"
    );
    // Without a word of its own, a mail says what is attached to it.
    let attached = "Subject: Fwd: x\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\nSubject: Boiler\n\nIt leaks\n--m--\n";
    assert_eq!(own(attached), "It leaks");
}

#[test]
fn characters_that_show_nothing_do_not_come_in() {
    let raw = "Subject: =?utf-8?Q?Boi=E2=80=8Bler?=\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n<p>dana\u{200b}@exam&shy;ple.com &zwnj;&#847;</p><p>👨\u{200d}👩\u{200d}👧</p>";
    let mail = from_rfc822(raw.replace('\n', "\r\n").as_bytes());
    assert_eq!(
        (mail.subject.as_str(), mail.text.as_str()),
        ("Boiler", "dana@example.com\n\n👨\u{200d}👩\u{200d}👧")
    );
}

fn check(read: fn(&str) -> String, cases: &[(&str, String, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, body, expected)| {
            let found = read(body);
            (found != *expected).then(|| format!("{name}: {found:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
