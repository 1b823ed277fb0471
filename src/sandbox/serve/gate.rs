//! The one gate that every service call goes through: count it, apply the faults that are armed,
//! look at its token, do it.

use std::sync::Arc;

use hyper::header::AUTHORIZATION;

use crate::Shared;
use crate::fault::Blow;
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::serve::route::{self, Route, Service, UPLOAD_START};
use crate::serve::upload::{self, Chunk};
use crate::serve::{Answer, Arrived};
use crate::serve::{batch, fields};
use crate::world::World;

/// What a call may bring as JSON; more is for uploads.
const JSON_LIMIT_BYTES: usize = 10_485_760;

/// A call that may take effect now.
struct Visit {
    service: Service,
    name: &'static str,
    route: &'static Route,
    call: Call,
    stage: Stage,
}

/// How far a call has come, which for a resumable upload is more than one request.
enum Stage {
    Plain,
    /// The request that begins a resumable upload.
    Start,
    /// The request that completes one; its token was looked at when it began.
    Complete,
}

/// Lets one request through, or says why not.
pub async fn pass(shared: &Shared, arrived: Arrived) -> Answer {
    if batch::is_meant(&arrived) {
        return batch::answer(shared, &arrived).await;
    }
    let mut visit = match identify(shared, arrived) {
        Ok(Arrival::Visit(visit)) => *visit,
        Ok(Arrival::Answered(reply)) => return Answer::Whole(reply),
        Err(refusal) => return Answer::Whole(refusal.into_reply()),
    };
    let strike = shared.world().meet(visit.service, visit.name);
    if let Some(delay) = strike.delay {
        tokio::time::sleep(delay).await;
    }
    visit.call.at = shared.clock.now();
    let mut world = shared.world();
    match strike.blow {
        None => Answer::Whole(visit.take_effect(&mut world)),
        Some(Blow::Refuse(refusal)) => Answer::Whole(refusal.into_reply()),
        Some(Blow::ExpireToken) => {
            if let Some(token) = bearer(&visit.call) {
                world.tokens.forget(token);
            }
            Answer::Whole(Refusal::unauthenticated().into_reply())
        }
        Some(Blow::DropBefore) => Answer::Withheld,
        Some(Blow::Late(wait)) => {
            let due_at = visit.call.at + wait;
            world.put_off(due_at, move |world| {
                visit.call.at = due_at;
                visit.take_effect(world);
            });
            Answer::Withheld
        }
        Some(Blow::DropAfter) => {
            visit.take_effect(&mut world);
            Answer::Withheld
        }
        Some(Blow::Truncate) => Answer::CutOff(visit.take_effect(&mut world)),
    }
}

enum Arrival {
    Visit(Box<Visit>),
    /// Part of an upload, which takes no effect of its own.
    Answered(Reply),
}

fn identify(shared: &Shared, arrived: Arrived) -> Result<Arrival, Refusal> {
    let query: Vec<(String, String)> =
        serde_urlencoded::from_str(arrived.uri.query().unwrap_or_default()).unwrap_or_default();
    let (path, is_upload) = upload::strip(arrived.uri.path());
    let upload_id = query.iter().find(|(name, _)| name == "upload_id").filter(|_| is_upload);
    if let Some((_, id)) = upload_id {
        let chunk = shared.world().uploads.add(id, &arrived.headers, &arrived.body)?;
        return Ok(match chunk {
            Chunk::More(reply) => Arrival::Answered(reply),
            Chunk::Complete { service, route, call } => Arrival::Visit(Box::new(Visit {
                service,
                name: route.name,
                route,
                call: *call,
                stage: Stage::Complete,
            })),
        });
    }
    let found = route::find(&arrived.method, path)
        .filter(|found| !is_upload || found.service == Service::Gmail)
        .ok_or_else(Refusal::not_found)?;
    let mut call = Call {
        at: shared.clock.now(),
        origin: Arc::from(shared.origin.as_str()),
        mailbox: String::new(),
        scopes: Vec::new(),
        params: found.params,
        query,
        headers: arrived.headers,
        body: arrived.body,
        media: None,
    };
    let visit = |name, stage, call| {
        Arrival::Visit(Box::new(Visit { service: found.service, name, route: found.route, call, stage }))
    };
    if is_upload && call.query("uploadType") == Some("resumable") {
        return Ok(visit(UPLOAD_START, Stage::Start, call));
    }
    if is_upload {
        upload::unpack(&mut call)?;
    } else if call.body.len() > JSON_LIMIT_BYTES {
        let message = format!("Request payload size exceeds the limit: {JSON_LIMIT_BYTES} bytes.");
        return Err(Refusal::invalid(message));
    }
    Ok(visit(found.route.name, Stage::Plain, call))
}

impl Visit {
    fn take_effect(&mut self, world: &mut World) -> Reply {
        let reply = self.run(world).and_then(|reply| fields::select(&self.call, reply));
        reply.unwrap_or_else(Refusal::into_reply)
    }

    fn run(&mut self, world: &mut World) -> Result<Reply, Refusal> {
        match self.stage {
            Stage::Plain => {
                authorise(world, self.route, &mut self.call)?;
                (self.route.run)(world, &self.call)
            }
            Stage::Start => {
                authorise(world, self.route, &mut self.call)?;
                world.uploads.start(self.service, self.route, self.call.clone())
            }
            Stage::Complete => (self.route.run)(world, &self.call),
        }
    }
}

/// Finds out in whose name the call is made; one that needs no token has none.
fn authorise(world: &World, route: &Route, call: &mut Call) -> Result<(), Refusal> {
    if route.scopes.is_empty() {
        return Ok(());
    }
    let token = bearer(call).ok_or_else(Refusal::unauthenticated)?;
    let grant = world.tokens.find(token, call.at).ok_or_else(Refusal::unauthenticated)?;
    if !route.scopes.iter().any(|scope| grant.scopes.iter().any(|granted| granted == scope)) {
        return Err(Refusal::insufficient_scope());
    }
    (call.mailbox, call.scopes) = (grant.mailbox.clone(), grant.scopes.clone());
    Ok(())
}

fn bearer(call: &Call) -> Option<&str> {
    let header = call.header(&AUTHORIZATION)?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
