//! One conversation: what each command means and what may follow it.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use tokio::net::TcpStream;

use crate::Shared;
use crate::fault::Blow;
use crate::letter::ParsedMail;
use crate::serve::route::Service;
use crate::smtp::Received;
use crate::smtp::wire::{Data, Wire};

const SIZE_LIMIT_BYTES: usize = 25 * 1_024 * 1_024;
const RECIPIENT_LIMIT: usize = 100;

/// Refused commands after which a client is sent away.
const ERROR_LIMIT: usize = 50;

struct Session<'a> {
    shared: &'a Shared,
    is_secure: bool,
    greeting: Option<String>,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// What follows a command.
enum Next {
    Say(String),
    SayAndClose(String),
    /// Say it, then go on under TLS.
    Secure(String),
    /// Close without a word.
    Close,
}

/// What a stage may do.
enum Leave {
    Go,
    /// Take effect, then close without a word.
    GoSilently,
    Not(Next),
}

pub async fn converse(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    let mut session =
        Session { shared, is_secure: false, greeting: None, user: None, from: None, to: Vec::new() };
    let mut next = match session.enter("connect").await {
        Leave::Go => Next::Say("220 localhost ESMTP Nexora sandbox, delivers nothing".to_owned()),
        // A client that is refused at the door has nothing more to say.
        Leave::Not(Next::Say(text)) => Next::SayAndClose(text),
        Leave::Not(next) => next,
        Leave::GoSilently => Next::Close,
    };
    let mut errors = 0;
    loop {
        match next {
            Next::Say(text) => {
                errors += usize::from(text.starts_with('5'));
                if errors > ERROR_LIMIT {
                    return wire.say("421 4.7.0 too many errors").await;
                }
                wire.say(&text).await?;
            }
            Next::SayAndClose(text) => return wire.say(&text).await,
            Next::Close => return Ok(()),
            Next::Secure(text) => {
                wire.say(&text).await?;
                wire = wire.secure(Arc::clone(&shared.identity.tls)).await?;
                session = Session {
                    is_secure: true,
                    greeting: None,
                    user: None,
                    from: None,
                    to: Vec::new(),
                    ..session
                };
            }
        }
        let line = wire.line().await?;
        next = match line.strip_suffix(b"\n") {
            Some(line) => session.obey(&mut wire, String::from_utf8_lossy(line).trim_end()).await?,
            None => Next::SayAndClose("500 5.5.2 line too long".to_owned()),
        };
    }
}

fn say(text: &str) -> Next {
    Next::Say(text.to_owned())
}

impl Session<'_> {
    async fn obey(&mut self, wire: &mut Wire, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if rest.trim().is_empty() => say("501 5.5.4 say who you are"),
            "EHLO" => self.greet(rest, &self.extensions()),
            "HELO" => self.greet(rest, "250 localhost"),
            "STARTTLS" if self.is_secure => say("503 5.5.1 TLS is on already"),
            "STARTTLS" => Next::Secure("220 2.0.0 ready to start TLS".to_owned()),
            "AUTH" => self.authenticate(wire, rest).await?,
            "MAIL" => self.mail(rest).await,
            "RCPT" => self.recipient(rest).await,
            "DATA" => self.data(wire).await?,
            "RSET" => {
                self.forget_mail();
                say("250 2.0.0 forgotten")
            }
            "NOOP" => say("250 2.0.0 nothing done"),
            "VRFY" => say("252 2.1.5 send some mail, everything is accepted"),
            "HELP" => say("214 2.0.0 this is a sandbox: it keeps all mail and delivers none"),
            "QUIT" => Next::SayAndClose("221 2.0.0 goodbye".to_owned()),
            _ => say("500 5.5.1 command not known"),
        })
    }

    /// Counts a stage and applies the faults that meet it.
    async fn enter(&self, stage: &str) -> Leave {
        let strike = self.shared.world().meet(Service::Smtp, stage);
        if let Some(delay) = strike.delay {
            tokio::time::sleep(delay).await;
        }
        match strike.blow {
            None => Leave::Go,
            Some(Blow::DropAfter) => Leave::GoSilently,
            Some(Blow::Refuse(refusal)) => {
                let status = refusal.status;
                let text = format!("{status} {}", refusal.into_message());
                // After 421 the server closes (RFC 5321, section 3.8).
                Leave::Not(if status == 421 { Next::SayAndClose(text) } else { Next::Say(text) })
            }
            Some(Blow::DropBefore | Blow::Late(_) | Blow::Truncate | Blow::ExpireToken) => {
                Leave::Not(Next::Close)
            }
        }
    }

    /// Enters a stage that takes effect by `act`, which says what follows.
    async fn pass(&mut self, stage: &str, act: impl FnOnce(&mut Self) -> Next) -> Next {
        match self.enter(stage).await {
            Leave::Go => act(self),
            Leave::GoSilently => {
                act(self);
                Next::Close
            }
            Leave::Not(next) => next,
        }
    }

    fn greet(&mut self, name: &str, answer: &str) -> Next {
        self.greeting = Some(name.trim().to_owned());
        self.forget_mail();
        say(answer)
    }

    fn extensions(&self) -> String {
        let mut lines = vec!["localhost".to_owned(), format!("SIZE {SIZE_LIMIT_BYTES}")];
        lines.extend(["8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"].map(str::to_owned));
        if !self.is_secure {
            lines.push("STARTTLS".to_owned());
        }
        lines.push("AUTH PLAIN LOGIN".to_owned());
        let last = lines.len() - 1;
        let line = |(at, text)| format!("250{}{text}", if at == last { ' ' } else { '-' });
        lines.into_iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    fn forget_mail(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn authenticate(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Next> {
        if self.user.is_some() || self.from.is_some() || self.greeting.is_none() {
            return Ok(say("503 5.5.1 not now"));
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let user = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = ask(wire, "", initial).await?;
                // Whom to act for, who it is, the password (RFC 4616).
                answer.and_then(|answer| answer.split('\0').nth(1).map(str::to_owned))
            }
            "LOGIN" => {
                let user = ask(wire, "Username:", initial).await?;
                let password = if user.is_some() { ask(wire, "Password:", "").await? } else { None };
                user.filter(|_| password.is_some())
            }
            _ => return Ok(say("504 5.5.4 mechanism not known")),
        };
        let Some(user) = user else { return Ok(say("501 5.5.2 cannot read that")) };
        Ok(self
            .pass("auth", |session| {
                session.user = Some(user);
                say("235 2.7.0 accepted")
            })
            .await)
    }

    async fn mail(&mut self, rest: &str) -> Next {
        if self.greeting.is_none() {
            return say("503 5.5.1 say EHLO first");
        }
        if self.from.is_some() {
            return say("503 5.5.1 one mail at a time");
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return say("501 5.1.7 cannot read that address");
        };
        let size = parameters.split_whitespace().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("SIZE").then(|| value.parse::<usize>().ok())?
        });
        if size.is_some_and(|size| size > SIZE_LIMIT_BYTES) {
            return say("552 5.3.4 message too big");
        }
        self.pass("mail", |session| {
            session.from = Some(from);
            say("250 2.1.0 sender ok")
        })
        .await
    }

    async fn recipient(&mut self, rest: &str) -> Next {
        if self.from.is_none() {
            return say("503 5.5.1 say MAIL first");
        }
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return say("501 5.1.3 cannot read that address");
        };
        if self.to.len() >= RECIPIENT_LIMIT {
            return say("452 4.5.3 too many recipients");
        }
        self.pass("rcpt", |session| {
            session.to.push(to);
            say("250 2.1.5 recipient ok")
        })
        .await
    }

    async fn data(&mut self, wire: &mut Wire) -> io::Result<Next> {
        if self.to.is_empty() {
            return Ok(say("503 5.5.1 say RCPT first"));
        }
        wire.say("354 go on, end with a dot on a line of its own").await?;
        let mut data = Data::new(SIZE_LIMIT_BYTES);
        while !data.add(&wire.line().await?) {}
        if data.is_too_big {
            self.forget_mail();
            return Ok(say("552 5.3.4 message too big"));
        }
        let next = self.pass("data", |session| session.keep(data.into_bytes())).await;
        self.forget_mail();
        Ok(next)
    }

    fn keep(&mut self, raw: Vec<u8>) -> Next {
        let at = self.shared.clock.now();
        let letter = ParsedMail::read(&raw).unwrap_or_default();
        let mut world = self.shared.world();
        let id = world.ids.message(at);
        world.sink.put(Received {
            id: id.clone(),
            at,
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            tls: self.is_secure,
            authenticated_as: self.user.clone(),
            greeting: self.greeting.clone().unwrap_or_default(),
            raw: Bytes::from(raw),
            letter,
        });
        Next::Say(format!("250 2.0.0 queued as {id}"))
    }
}

/// Asks for a part of a credential, unless it came with the command. `None` is what cannot be read,
/// or a client that gave up with an asterisk (RFC 4954, section 4).
async fn ask(wire: &mut Wire, question: &str, initial: &str) -> io::Result<Option<String>> {
    let answer = if initial.is_empty() {
        wire.say(&format!("334 {}", STANDARD.encode(question))).await?;
        String::from_utf8_lossy(&wire.line().await?).trim().to_owned()
    } else if initial == "=" {
        // An equals sign alone stands for an empty answer.
        String::new()
    } else {
        initial.to_owned()
    };
    Ok(STANDARD.decode(answer).ok().and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Reads `FROM:<address> parameters`; some clients put a blank after the colon.
fn path(text: &str, keyword: &str) -> Option<(String, String)> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    let is_sound = address.is_empty()
        || (address.contains('@') && !address.contains(|c: char| c.is_whitespace() || c.is_control()));
    is_sound.then(|| (address.to_owned(), parameters.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_address_is_read_with_its_parameters() {
        let cases = [
            ("FROM:<a@b.example> SIZE=10", Some(("a@b.example", " SIZE=10"))),
            ("from: <a@b.example>", Some(("a@b.example", ""))),
            ("FROM:<>", Some(("", ""))),
            ("FROM:a@b.example", None),
            ("FROM:<a b@c>", None),
            ("TO:<a@b>", None),
            ("FR", None),
        ];
        for (text, wanted) in cases {
            let found = path(text, "FROM:");
            assert_eq!(found.as_ref().map(|(a, p)| (a.as_str(), p.as_str())), wanted, "{text}");
        }
    }
}
