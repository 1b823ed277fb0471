//! French, with "vous".

use super::{
    Dates, Flaw, FormWords, PageNotice, PasswordMail, PasswordWords, Place, ThanksWords, Trouble,
    UnsubscribeWords, Words,
};
use crate::base::money::Decimal;
use crate::base::wording::{count, length_with, plural};
use crate::model::consent::Channel;
use crate::model::password_link::LinkPurpose;

pub static WORDS: Words = Words {
    dates: Dates {
        weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
        weekdays_short: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        months_short: [
            "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
        ],
        day: |day| format!("{} {} {}", day.weekday, ordinal(day.number), day.month),
        short: |day| {
            format!("{} {} {} {}", day.weekday_short, ordinal(day.number), day.month_short, day.year)
        },
        clock: "%-Hh%M",
        halves: None,
    },
    decimal: |_| Decimal::Comma,
    greeting: |name| name.map_or_else(|| "Bonjour".to_owned(), |name| format!("Bonjour {name}")),
    consent,
    form: FormWords {
        title: |name| format!("Contacter {name}"),
        check: "À vérifier\u{a0}: ",
        check_fields: |fields| match fields {
            1 => "Veuillez vérifier un champ".to_owned(),
            fields => format!("Veuillez vérifier {fields} champs"),
        },
        intro: "Dites-nous ce dont vous avez besoin, et nous revenons vers vous.",
        call: "Appelez le",
        emergency: "Une urgence\u{a0}?",
        open_until: |time| format!("Ouvert en ce moment, jusqu’à {time}."),
        opens_today: |time| format!("Nous ouvrons aujourd’hui à {time}."),
        opens_on: |day, time| format!("Nous ouvrons {day} à {time}."),
        area: "Où nous intervenons",
        hours: "Nos horaires",
        hours_and_area: "Nos horaires et notre secteur",
        name: "Votre nom",
        phone: "Téléphone",
        email: "E-mail",
        phone_or_email: "téléphone ou e-mail, ou les deux",
        service: "De quoi avez-vous besoin\u{a0}?",
        postcode: "Code postal",
        address: "Adresse",
        preferred_time: "Quand cela vous convient-il\u{a0}?",
        preferred_time_example: "par exemple en semaine, le matin",
        message: "Comment pouvons-nous vous aider\u{a0}?",
        photos: "Photos",
        photos_help: |most, megabytes| match most {
            1 => format!("Elles nous aident à venir préparés. Une photo de {megabytes}\u{a0}Mo au plus."),
            most => {
                format!("Elles nous aident à venir préparés. Jusqu’à {most} photos de {megabytes}\u{a0}Mo.")
            }
        },
        optional: "facultatif",
        choose: "Veuillez choisir",
        trap: "Laissez ce champ vide",
        send: "Envoyer la demande",
        sending: "Envoi en cours…",
        privacy: |name| {
            format!("Ce que vous envoyez n’est transmis qu’à {name}, pour répondre à votre demande.")
        },
        whole: "Le formulaire",
        sent: "Merci. Nous revenons bientôt vers vous.",
        not_sent: "L’envoi a échoué. Veuillez réessayer.",
    },
    thanks: ThanksWords {
        title: "Merci",
        has_request: |name| format!("{name} a bien reçu votre demande."),
        next: "La suite",
        look_in_email: "Surveillez notre réponse dans votre messagerie.",
        now: |name, may_call| {
            let answer = if may_call { "vous appelle ou vous écrit" } else { "vous écrit" };
            format!("Une personne de {name} lit votre demande et {answer}.")
        },
        later: |opens, may_call| {
            let answer = if may_call { "vous appellerons ou vous écrirons" } else { "vous écrirons" };
            format!("{opens} Nous {answer} alors.")
        },
        our_number: |number| format!("Si le {number} vous appelle, c’est nous."),
        cannot_wait: "Cela ne peut pas attendre\u{a0}?",
        another: "Envoyer une autre demande",
    },
    unsubscribe: UnsubscribeWords {
        title: "Ne plus recevoir ces e-mails",
        question: "Ne plus recevoir ces e-mails\u{a0}?",
        meaning: |name| {
            format!(
                "{name} ne vous écrira plus de sa propre initiative. Vous recevrez toujours les réponses à vos questions \
                 et les rappels de vos rendez-vous."
            )
        },
        button: "Oui, ne plus les recevoir",
    },
    password: PasswordWords {
        wrong: "Erreur\u{a0}: ",
        title: "Choisissez un mot de passe",
        whose: |email| format!("C’est le mot de passe de {email}."),
        new: "Nouveau mot de passe",
        help: |length| format!("Au moins {length} caractères. Une phrase convient bien."),
        again: "Nouveau mot de passe, encore une fois",
        button: "Enregistrer le mot de passe",
        differ: "Les deux mots de passe ne sont pas identiques.",
        short: |length, least| format!("Le mot de passe a {length} caractères. Il en faut au moins {least}."),
        done_title: "Votre mot de passe est enregistré",
        done: "Vous êtes maintenant déconnecté partout où vous étiez connecté.",
        sign_in: "Se connecter",
        dead_title: "Ce lien n’est plus valable",
        dead: "Il a déjà servi, il est trop ancien, ou un autre a été envoyé depuis.",
        dead_next: "En demander un autre",
        forgotten_title: "Mot de passe oublié\u{a0}?",
        forgotten: "Saisissez votre adresse e-mail\u{a0}: nous vous envoyons un lien pour en choisir un autre.",
        email: "E-mail",
        send: "Envoyer le lien",
        sent_title: "Consultez votre messagerie",
        sent: |hours| {
            format!(
                "Si cette adresse est celle d’un utilisateur, un e-mail avec un lien est en route. Le lien est valable {}. Rien \
                 après quelques minutes\u{a0}? Regardez parmi les indésirables, ou demandez à la personne qui gère ce service.",
                count(hours, "heure", "heures")
            )
        },
        ask_operator: "Ce service ne peut pas vous envoyer d’e-mails. Demandez à la personne qui le gère un lien pour choisir un autre mot de passe.",
        back: "Retour à la connexion",
        mail: password_mail,
    },
    flaw,
    notice,
    waiting: |name, service| match service {
        Some(service) => format!("{name} attend une réponse\u{a0}: {service}"),
        None => format!("{name} attend une réponse"),
    },
    trouble,
};

/// The first of a month is the only day with an ordinal number.
fn ordinal(day: u32) -> String {
    if day == 1 { "1er".to_owned() } else { day.to_string() }
}

fn consent(channel: Channel, name: &str) -> String {
    match channel {
        Channel::Sms => format!(
            "J’accepte que {name} m’envoie des SMS au sujet de ma demande. Leur nombre dépend de la demande\u{a0}; des \
             frais de messages et de données peuvent s’appliquer. Je peux répondre STOP à tout moment. Je n’ai pas à \
             accepter pour que ma demande soit traitée."
        ),
        Channel::Email => format!(
            "{name} peut m’envoyer des offres et des rappels par e-mail. Chacun contient un lien pour ne plus en recevoir."
        ),
    }
}

fn flaw(flaw: Flaw) -> String {
    let text = match flaw {
        Flaw::NoName => "Veuillez nous indiquer votre nom.",
        Flaw::Empty => "Veuillez remplir ce champ.",
        Flaw::NotAnEmail => "Cela ne ressemble pas à une adresse e-mail, par exemple nom@example.com.",
        Flaw::NotAPhone => {
            "Cela ne ressemble pas à un numéro de téléphone. Veuillez indiquer le numéro complet, avec l’indicatif."
        }
        Flaw::Unreachable => {
            "Veuillez laisser un numéro de téléphone ou une adresse e-mail, pour que nous puissions vous répondre."
        }
        Flaw::NoEmail => "Veuillez laisser une adresse e-mail, pour que nous puissions vous répondre.",
        Flaw::TooLong(most) => return format!("Veuillez rester en dessous de {most} caractères."),
        Flaw::PhotosLost => "Veuillez choisir à nouveau vos photos.",
        Flaw::PhotoTooLarge(megabytes) => {
            return format!("Une photo dépasse {megabytes}\u{a0}Mo. Veuillez en envoyer une plus petite.");
        }
        Flaw::TooManyPhotos(most) => return format!("Veuillez envoyer {most} photos au plus."),
        Flaw::PhotoFormat => "Veuillez utiliser JPEG, PNG ou WebP.",
        Flaw::PhotoUnreadable => {
            "Cette photo est illisible. Veuillez en prendre une nouvelle ou en choisir une autre."
        }
        Flaw::PhotoTooManyPixels => "Cette photo compte trop de pixels. Veuillez en envoyer une plus petite.",
        Flaw::PhotoTooMuchWork => {
            "Cette photo est trop longue à lire. Veuillez l’enregistrer en JPEG ordinaire, ou en envoyer une plus petite."
        }
        Flaw::PhotoNotKept => "Cette photo ne peut pas être conservée.",
        Flaw::PhotosUnreadable => "Les photos n’ont pas pu être lues. Veuillez les choisir à nouveau.",
        Flaw::PhotosTooMany => {
            "Cela fait beaucoup de grandes photos. Veuillez en envoyer moins, ou patienter une minute et les choisir à \
             nouveau."
        }
        Flaw::PhotosMustWait => {
            "Beaucoup de photos arrivent en ce moment. Veuillez choisir à nouveau les vôtres dans une minute, ou n’en \
             envoyer aucune."
        }
    };
    text.to_owned()
}

fn notice(notice: &PageNotice) -> (String, String) {
    let (title, text) = match notice {
        PageNotice::TooLarge => ("C’est trop volumineux", "Veuillez raccourcir le message."),
        PageNotice::TooSlow => (
            "Cela a pris trop de temps",
            "L’envoi a pris trop de temps. Veuillez réessayer, ou avec moins de photos.",
        ),
        PageNotice::PhotosMustWait => (
            "Veuillez réessayer",
            "Beaucoup de photos arrivent en ce moment. Veuillez réessayer dans un instant.",
        ),
        PageNotice::TooMany(seconds) => {
            let text = format!("Veuillez réessayer dans {seconds} secondes.");
            return ("Trop de demandes".to_owned(), text);
        }
        PageNotice::Busy => (
            "Veuillez réessayer",
            "Nous ne pouvons pas prendre votre demande en ce moment. Veuillez réessayer dans un instant.",
        ),
        PageNotice::Broken => {
            ("Un problème est survenu", "Nous en avons pris note. Veuillez réessayer plus tard.")
        }
        PageNotice::IncompleteLink => {
            ("Ce lien n’est pas complet", "Veuillez l’ouvrir à nouveau depuis l’e-mail.")
        }
        PageNotice::Unsubscribed(name) => {
            let text = format!(
                "{name} ne vous enverra plus ce genre d’e-mails. Vous recevrez toujours les réponses à vos questions et \
                 les rappels de vos rendez-vous."
            );
            return ("C’est fait".to_owned(), text);
        }
    };
    (title.to_owned(), text.to_owned())
}

#[expect(clippy::too_many_lines, reason = "a sentence for each trouble")]
fn trouble(trouble: &Trouble) -> String {
    let length = |length| length_with(["jour", "jours"], length);
    let leads = |rows| count(rows, "demande", "demandes");
    let things = |rows| count(rows, "message ou enregistrement", "messages ou enregistrements");
    match trouble {
        Trouble::Suspended => {
            "Tout est en pause. Les demandes arrivent toujours et sont conservées\u{a0}; rien n’est envoyé."
                .to_owned()
        }
        Trouble::AlertCameBack(Some(address)) => {
            format!("Notre message à {address} nous est revenu\u{a0}: vérifiez l’adresse, s’il vous plaît.")
        }
        Trouble::AlertCameBack(None) => {
            "Notre message nous est revenu\u{a0}: vérifiez votre adresse, s’il vous plaît.".to_owned()
        }
        Trouble::Rehearsing => {
            "Ceci est une répétition\u{a0}: les messages sont rédigés, mais personne ne les reçoit."
                .to_owned()
        }
        Trouble::Refused(account) => {
            format!("{account} ne nous laisse plus entrer et doit être connecté à nouveau.")
        }
        Trouble::Paused(account) => {
            format!("{account} est en pause. Ce qui en a besoin attend.")
        }
        Trouble::EndsSoon(account) => {
            format!("L’autorisation pour {account} prend bientôt fin et doit être donnée à nouveau.")
        }
        Trouble::Unread { place, account, length: silent } => {
            let place = match place {
                Place::Mailbox => "La messagerie",
                Place::Calendar => "L’agenda",
                Place::Sheet => "La feuille",
            };
            format!("{place} de {account} est illisible depuis {}.", length(*silent))
        }
        Trouble::LeadsToReview(rows) => format!(
            "{} {} pas pu être {} automatiquement. Veuillez consulter l’original.",
            leads(*rows),
            plural(*rows, "n’a", "n’ont"),
            plural(*rows, "lue", "lues")
        ),
        Trouble::LeadsNotFetched(rows) => format!(
            "{} {} pas pu être {} à la source.",
            leads(*rows),
            plural(*rows, "n’a", "n’ont"),
            plural(*rows, "récupérée", "récupérées")
        ),
        Trouble::LeadsNotFetchedYet(rows) => format!(
            "{} {} pas encore pu être {}. Nous continuons d’essayer.",
            leads(*rows),
            plural(*rows, "n’a", "n’ont"),
            plural(*rows, "récupérée", "récupérées")
        ),
        Trouble::GivenUp(rows) => format!(
            "{} {} pas pu être transmis\u{a0}: nous y avons renoncé.",
            things(*rows),
            plural(*rows, "n’a", "n’ont")
        ),
        Trouble::InDoubt(rows) => format!(
            "{} {} peut-être {}, ou peut-être pas. Nous vérifions.",
            things(*rows),
            plural(*rows, "est", "sont"),
            plural(*rows, "parti", "partis")
        ),
        Trouble::NotThroughYet(rows) => format!(
            "{} {} pas encore {}. Nous continuons d’essayer.",
            things(*rows),
            plural(*rows, "n’est", "ne sont"),
            plural(*rows, "passé", "passés")
        ),
        Trouble::RunsFailed(1) => "Une fois, une automatisation n’a pas pu terminer son travail.".to_owned(),
        Trouble::RunsFailed(times) => {
            format!("{times} fois, une automatisation n’a pas pu terminer son travail.")
        }
        Trouble::Late(waiting) => {
            format!("Le travail a du retard\u{a0}: quelque chose attend depuis {}.", length(*waiting))
        }
        Trouble::Locked(email) => {
            format!(
                "La connexion de {email} est bloquée un moment\u{a0}: il y a eu trop d’essais infructueux."
            )
        }
        Trouble::Stopped => {
            "Nexora ne fonctionne pas en ce moment. La personne qui l’administre peut voir pourquoi."
                .to_owned()
        }
        Trouble::NothingConnected => {
            "Aucun compte n’est encore connecté ; rien ne peut être envoyé.".to_owned()
        }
        Trouble::NothingAutomated => {
            "Aucune automatisation n’est activée. Les demandes sont conservées et rien n’est envoyé."
                .to_owned()
        }
        Trouble::AutomationPaused(name) => {
            format!("L’automatisation « {name} » est en pause. Ce qu’elle doit faire attend.")
        }
        Trouble::SourceRefused(name) => {
            format!("Les demandes de « {name} » sont refusées, car son mot de passe ne convient pas.")
        }
        Trouble::Silence { length: silent, usual } => format!(
            "Aucune demande n’est arrivée depuis {}\u{a0}; il en vient d’habitude environ {usual} dans ce temps. Vérifiez votre formulaire.",
            length(*silent)
        ),
        Trouble::Unaccounted(rows) => format!(
            "{} pas traités. Nous regardons ce qui se passe.",
            count(*rows, "élément n’est", "éléments ne sont")
        ),
        Trouble::HeldAsSpam(rows) => {
            format!("{} comme spam", count(*rows, "demande retenue", "demandes retenues"))
        }
    }
}

fn password_mail(mail: &PasswordMail<'_>) -> (String, String) {
    let PasswordMail { link, hours, .. } = mail;
    let greeting = (WORDS.greeting)(mail.name);
    let whose = mail.business.map_or_else(|| "Nexora".to_owned(), |name| format!("la page d’état de {name}"));
    let hours = count(*hours, "heure", "heures");
    match mail.purpose {
        LinkPurpose::Invitation => (
            format!("Votre accès à {whose}"),
            format!(
                "{greeting},\n\nvous pouvez vous connecter à {whose}. Choisissez votre mot de passe ici\u{a0}:\n\n{link}\n\nLe lien sert une \
                 seule fois, pendant {hours}.\n\nVous ne vous y attendiez pas\u{a0}? Ne faites rien\u{a0}: sans mot de passe, il ne se passe \
                 rien.\n"
            ),
        ),
        LinkPurpose::Reset => (
            format!("Nouveau mot de passe pour {whose}"),
            format!(
                "{greeting},\n\nquelqu’un a demandé un nouveau mot de passe pour {whose}. Si c’était vous, choisissez-le \
                 ici\u{a0}:\n\n{link}\n\nLe lien sert une seule fois, pendant {hours}.\n\nCe n’était pas vous\u{a0}? Ne faites rien\u{a0}: votre mot \
                 de passe reste le même.\n"
            ),
        ),
    }
}
