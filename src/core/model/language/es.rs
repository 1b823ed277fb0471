//! Spanish, with "usted".

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
        weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
        weekdays_short: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        months_short: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
        day: |day| format!("{}, {} de {}", day.weekday, day.number, day.month),
        short: |day| format!("{} {} {} {}", day.weekday_short, day.number, day.month_short, day.year),
        clock: "%H:%M",
        halves: Some(["a.\u{a0}m.", "p.\u{a0}m."]),
    },
    // A point where the United States and Mexico have taught it (CLDR).
    decimal: |country| match country.code() {
        "DO" | "GT" | "HN" | "MX" | "NI" | "PA" | "PE" | "PR" | "SV" | "US" => Decimal::Point,
        _ => Decimal::Comma,
    },
    greeting: |name| name.map_or_else(|| "Hola".to_owned(), |name| format!("Hola, {name}")),
    consent,
    form: FormWords {
        title: |name| format!("Contactar con {name}"),
        check: "Por favor, revise: ",
        check_fields: |fields| match fields {
            1 => "Por favor, revise un campo".to_owned(),
            fields => format!("Por favor, revise {fields} campos"),
        },
        intro: "Díganos qué necesita y nos pondremos en contacto con usted.",
        call: "Llame al",
        emergency: "¿Es una emergencia?",
        open_until: |time| format!("Abierto ahora. Cierre: {time}."),
        opens_today: |time| format!("Próxima apertura: hoy, {time}."),
        opens_on: |day, time| format!("Próxima apertura: {day}, {time}."),
        area: "Dónde trabajamos",
        hours: "Nuestro horario",
        hours_and_area: "Nuestro horario y zona de trabajo",
        name: "Su nombre",
        phone: "Teléfono",
        email: "Correo electrónico",
        phone_or_email: "teléfono o correo, o ambos",
        service: "¿Qué necesita?",
        postcode: "Código postal",
        address: "Dirección",
        preferred_time: "¿Cuándo le viene bien?",
        preferred_time_example: "por ejemplo, entre semana por la mañana",
        message: "¿En qué podemos ayudarle?",
        photos: "Fotos",
        photos_help: |most, megabytes| match most {
            1 => format!("Nos ayudan a llegar preparados. Una foto de hasta {megabytes} MB."),
            most => format!("Nos ayudan a llegar preparados. Hasta {most} fotos de {megabytes} MB."),
        },
        optional: "opcional",
        choose: "Elija una opción",
        trap: "Deje esto vacío",
        send: "Enviar solicitud",
        sending: "Enviando…",
        privacy: |name| format!("Lo que envíe llega solo a {name}, para responder a su solicitud."),
        whole: "El formulario",
        sent: "Gracias. Pronto nos pondremos en contacto con usted.",
        not_sent: "No se ha podido enviar. Por favor, inténtelo de nuevo.",
    },
    thanks: ThanksWords {
        title: "Gracias",
        has_request: |name| format!("{name} ha recibido su solicitud."),
        next: "Qué pasará ahora",
        look_in_email: "Esté pendiente de nuestra respuesta en su correo electrónico.",
        now: |name, may_call| {
            let answer = if may_call { "le llamará o le escribirá" } else { "le escribirá" };
            format!("Alguien de {name} está leyendo su solicitud y {answer}.")
        },
        later: |opens, may_call| {
            let answer = if may_call { "le llamaremos o le escribiremos" } else { "le escribiremos" };
            format!("{opens} Entonces {answer}.")
        },
        our_number: |number| format!("Si le llama el {number}, somos nosotros."),
        cannot_wait: "¿No puede esperar?",
        another: "Enviar otra solicitud",
    },
    unsubscribe: UnsubscribeWords {
        title: "No recibir más estos correos",
        question: "¿No recibir más estos correos?",
        meaning: |name| {
            format!(
                "{name} ya no le escribirá por iniciativa propia. Seguirá recibiendo las respuestas a lo que pregunte y \
                 los recordatorios de sus citas."
            )
        },
        button: "Sí, no más correos",
    },
    password: PasswordWords {
        wrong: "Error: ",
        title: "Elija una contraseña",
        whose: |email| format!("Es la contraseña de {email}."),
        new: "Nueva contraseña",
        help: |length| format!("Al menos {length} caracteres. Una frase va bien."),
        again: "Nueva contraseña otra vez",
        button: "Guardar la contraseña",
        differ: "Las dos contraseñas no coinciden.",
        short: |length, least| format!("La contraseña tiene {length} caracteres. Necesita al menos {least}."),
        done_title: "Su contraseña está guardada",
        done: "Se ha cerrado su sesión en todos los dispositivos.",
        sign_in: "Iniciar sesión",
        dead_title: "Este enlace ya no es válido",
        dead: "Ya se ha usado, es demasiado antiguo o se ha enviado otro más reciente.",
        dead_next: "Pedir otro",
        forgotten_title: "¿Ha olvidado su contraseña?",
        forgotten: "Escriba su dirección de correo y le enviaremos un enlace para elegir otra.",
        email: "Correo electrónico",
        send: "Enviar el enlace",
        sent_title: "Mire en su buzón",
        sent: |hours| {
            format!(
                "Si esa dirección es de un usuario, un correo con un enlace está en camino. El enlace es válido durante {}. \
                 ¿No llega en unos minutos? Mire en el correo no deseado o pregunte a quien gestiona este servicio.",
                count(hours, "hora", "horas")
            )
        },
        ask_operator: "Este servicio no puede enviarle correos. Pida a quien lo gestiona un enlace para elegir otra contraseña.",
        back: "Volver al inicio de sesión",
        mail: password_mail,
    },
    flaw,
    notice,
    waiting: |name, service| match service {
        Some(service) => format!("{name} espera una respuesta: {service}"),
        None => format!("{name} espera una respuesta"),
    },
    trouble,
};

fn consent(channel: Channel, name: &str) -> String {
    match channel {
        Channel::Sms => format!(
            "Acepto que {name} me envíe mensajes de texto sobre mi solicitud. Cuántos serán depende de la solicitud; \
             pueden aplicarse tarifas de mensajes y datos. Puedo responder STOP en cualquier momento. No tengo que \
             aceptarlo para que me atiendan."
        ),
        Channel::Email => format!(
            "{name} puede enviarme ofertas y recordatorios por correo electrónico. Cada uno lleva un enlace para dejar \
             de recibirlos."
        ),
    }
}

fn flaw(flaw: Flaw) -> String {
    let text = match flaw {
        Flaw::NoName => "Por favor, díganos su nombre.",
        Flaw::Empty => "Por favor, rellene este campo.",
        Flaw::NotAnEmail => {
            "Esto no parece una dirección de correo electrónico, por ejemplo nombre@example.com."
        }
        Flaw::NotAPhone => "Esto no parece un número de teléfono. Por favor, incluya el prefijo.",
        Flaw::Unreachable => {
            "Por favor, deje un número de teléfono o un correo electrónico para que podamos responderle."
        }
        Flaw::NoEmail => "Por favor, deje un correo electrónico para que podamos responderle.",
        Flaw::TooLong(most) => return format!("Por favor, use menos de {most} caracteres."),
        Flaw::PhotosLost => "Por favor, elija de nuevo sus fotos.",
        Flaw::PhotoTooLarge(megabytes) => {
            return format!("Una foto ocupa más de {megabytes} MB. Por favor, envíe una más pequeña.");
        }
        Flaw::TooManyPhotos(most) => return format!("Por favor, envíe como máximo {most} fotos."),
        Flaw::PhotoFormat => "Por favor, use JPEG, PNG o WebP.",
        Flaw::PhotoUnreadable => "Esta foto no se puede leer. Por favor, haga o elija otra.",
        Flaw::PhotoTooManyPixels => "Esta foto tiene demasiados píxeles. Por favor, envíe una más pequeña.",
        Flaw::PhotoTooMuchWork => {
            "Esta foto tarda demasiado en leerse. Por favor, guárdela como JPEG normal o envíe una más pequeña."
        }
        Flaw::PhotoNotKept => "Esta foto no se puede guardar.",
        Flaw::PhotosUnreadable => "No se han podido leer las fotos. Por favor, elíjalas de nuevo.",
        Flaw::PhotosTooMany => {
            "Son muchas fotos grandes. Por favor, envíe menos, o espere un minuto y elíjalas de nuevo."
        }
        Flaw::PhotosMustWait => {
            "Muchas personas están enviando fotos ahora mismo. Por favor, elija las suyas de nuevo en un minuto, o no \
             envíe ninguna."
        }
    };
    text.to_owned()
}

fn notice(notice: &PageNotice) -> (String, String) {
    let (title, text) = match notice {
        PageNotice::TooLarge => ("Es demasiado grande", "Por favor, acorte el mensaje."),
        PageNotice::TooSlow => (
            "Ha tardado demasiado",
            "El envío ha tardado demasiado. Por favor, inténtelo de nuevo, o con menos fotos.",
        ),
        PageNotice::PhotosMustWait => (
            "Por favor, inténtelo de nuevo",
            "Muchas personas están enviando fotos ahora mismo. Por favor, inténtelo de nuevo en un momento.",
        ),
        PageNotice::TooMany(seconds) => {
            let text = format!("Por favor, inténtelo de nuevo en {seconds} segundos.");
            return ("Demasiadas solicitudes".to_owned(), text);
        }
        PageNotice::Busy => (
            "Por favor, inténtelo de nuevo",
            "Ahora mismo no podemos atenderle. Por favor, inténtelo de nuevo en un momento.",
        ),
        PageNotice::Broken => {
            ("Algo ha salido mal", "Lo hemos anotado. Por favor, inténtelo de nuevo más tarde.")
        }
        PageNotice::IncompleteLink => {
            ("Este enlace no está completo", "Por favor, ábralo de nuevo desde el correo.")
        }
        PageNotice::Unsubscribed(name) => {
            let text = format!(
                "{name} no le enviará más correos como estos. Seguirá recibiendo las respuestas a lo que pregunte y los \
                 recordatorios de sus citas."
            );
            return ("Hecho".to_owned(), text);
        }
    };
    (title.to_owned(), text.to_owned())
}

fn trouble(trouble: &Trouble) -> String {
    let length = |length| length_with(["día", "días"], length);
    let leads = |rows| count(rows, "solicitud", "solicitudes");
    let things = |rows| count(rows, "mensaje o registro", "mensajes o registros");
    match trouble {
        Trouble::Suspended => {
            "Todo está en pausa. Las solicitudes siguen llegando y se guardan; no se envía nada.".to_owned()
        }
        Trouble::AlertCameBack(Some(address)) => {
            format!("Nuestro correo a {address} fue devuelto; quizá se haya perdido alguna noticia. Compruebe la dirección, por favor.")
        }
        Trouble::AlertCameBack(None) => {
            "Nuestro correo a usted fue devuelto; quizá se haya perdido alguna noticia. Compruebe su dirección, por favor.".to_owned()
        }
        Trouble::Rehearsing => {
            "Esto es un ensayo: los mensajes se escriben, pero no llegan a nadie.".to_owned()
        }
        Trouble::Refused(account) => {
            format!("{account} ya no nos deja entrar y hay que volver a conectarla.")
        }
        Trouble::Paused(account) => format!("{account} está en pausa. Lo que la necesita espera."),
        Trouble::EndsSoon(account) => {
            format!("El permiso para {account} termina pronto y hay que volver a darlo.")
        }
        Trouble::Unread { place, account, length: silent } => {
            let place = match place {
                Place::Mailbox => "el buzón",
                Place::Calendar => "el calendario",
                Place::Sheet => "la hoja",
            };
            format!("No se ha podido leer {place} de {account} desde hace {}.", length(*silent))
        }
        Trouble::LeadsToReview(rows) => format!(
            "{} no se {} leer de forma automática. Por favor, mire el original.",
            leads(*rows),
            plural(*rows, "ha podido", "han podido")
        ),
        Trouble::LeadsNotFetched(rows) => {
            format!(
                "{} no se {} recoger de su origen.",
                leads(*rows),
                plural(*rows, "ha podido", "han podido")
            )
        }
        Trouble::LeadsNotFetchedYet(rows) => format!(
            "{} no se {} recoger todavía. Seguimos intentándolo.",
            leads(*rows),
            plural(*rows, "ha podido", "han podido")
        ),
        Trouble::GivenUp(rows) => format!(
            "{} no se {} entregar y hubo que abandonar el intento.",
            things(*rows),
            plural(*rows, "pudo", "pudieron")
        ),
        Trouble::InDoubt(rows) => format!(
            "{} quizá {} o quizá no. Lo estamos comprobando.",
            things(*rows),
            plural(*rows, "haya salido", "hayan salido")
        ),
        Trouble::NotThroughYet(rows) => format!(
            "{} todavía no {}. Seguimos intentándolo.",
            things(*rows),
            plural(*rows, "ha llegado", "han llegado")
        ),
        Trouble::RunsFailed(1) => "Una vez, una automatización no pudo terminar su trabajo.".to_owned(),
        Trouble::RunsFailed(times) => {
            format!("{times} veces, una automatización no pudo terminar su trabajo.")
        }
        Trouble::Late(waiting) => {
            format!("El trabajo va con retraso: algo espera desde hace {}.", length(*waiting))
        }
        Trouble::Locked(email) => {
            format!("El acceso de {email} está bloqueado por un tiempo: hubo demasiados intentos fallidos.")
        }
        Trouble::Stopped => {
            "Nexora no funciona en este momento. Quien lo administra puede ver por qué.".to_owned()
        }
        Trouble::NothingConnected => {
            "Todavía no hay ninguna cuenta conectada; no se puede enviar nada.".to_owned()
        }
        Trouble::NothingAutomated => {
            "Ninguna automatización está activada. Las solicitudes se guardan y no se envía nada.".to_owned()
        }
        Trouble::AutomationPaused(name) => {
            format!("La automatización «{name}» está en pausa. Lo que debe hacer espera.")
        }
        Trouble::SourceRefused(name) => {
            format!("Las solicitudes de «{name}» se rechazan porque su contraseña no es correcta.")
        }
        Trouble::Silence { length: silent, usual } => format!(
            "No ha llegado ninguna solicitud desde hace {}; en ese tiempo suelen llegar unas {usual}. Compruebe su formulario.",
            length(*silent)
        ),
        Trouble::Unaccounted(rows) => format!(
            "{} sin atender. Lo estamos mirando.",
            count(*rows, "asunto ha quedado", "asuntos han quedado")
        ),
        Trouble::HeldAsSpam(rows) => {
            format!("{} como spam", count(*rows, "solicitud retenida", "solicitudes retenidas"))
        }
    }
}

fn password_mail(mail: &PasswordMail<'_>) -> (String, String) {
    let PasswordMail { link, hours, .. } = mail;
    let greeting = (WORDS.greeting)(mail.name);
    let whose =
        mail.business.map_or_else(|| "Nexora".to_owned(), |name| format!("la página de estado de {name}"));
    let hours = count(*hours, "hora", "horas");
    match mail.purpose {
        LinkPurpose::Invitation => (
            format!("Su acceso a {whose}"),
            format!(
                "{greeting}:\n\nPuede iniciar sesión en {whose}. Elija aquí su contraseña:\n\n{link}\n\nEl enlace sirve una sola vez, \
                 durante {hours}.\n\n¿No lo esperaba? No haga nada: sin contraseña no pasa nada.\n"
            ),
        ),
        LinkPurpose::Reset => (
            format!("Nueva contraseña para {whose}"),
            format!(
                "{greeting}:\n\nAlguien ha pedido una nueva contraseña para {whose}. Si ha sido usted, elíjala aquí:\n\n{link}\n\nEl \
                 enlace sirve una sola vez, durante {hours}.\n\n¿No ha sido usted? No haga nada: su contraseña sigue igual.\n"
            ),
        ),
    }
}
