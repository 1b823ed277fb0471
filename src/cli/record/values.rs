//! The options that set fields of a record: one for each field of its kind, and `--field` for the tenant's own.

use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::cli::automation::parse_setting;
use crate::cli::record::Kind;
use crate::ops::record::Changes;
use nexora_core::model::record::{Field, FieldKind};

/// What is set, in the order of the kind's fields.
pub struct Values<K> {
    pub changes: Changes,
    kind: PhantomData<K>,
}

/// The name under which clap keeps `--field`.
const OWN: &str = "own-field";

fn option(field: &'static Field) -> Arg {
    let help = match &field.kind {
        FieldKind::Choice(words) => format!("{}: {}", field.help, words.join(", ")),
        _ => field.help.to_string(),
    };
    // Names of fields may be those of global options.
    Arg::new(format!("field-{}", field.name))
        .long(field.name.replace('_', "-"))
        .value_name(field.kind.word().to_uppercase())
        .help(help)
        .allow_hyphen_values(true)
}

impl<K: Kind> Args for Values<K> {
    fn augment_args(command: Command) -> Command {
        let settable = K::KIND.fields.iter().filter(|field| field.can_be_set());
        command.args(settable.map(option)).arg(
            Arg::new(OWN)
                .long("field")
                .value_name("NAME=TEXT")
                .action(ArgAction::Append)
                .value_parser(parse_setting)
                .help("A field of the tenant's own (`nexora field define`)"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<K: Kind> FromArgMatches for Values<K> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Values<K>, clap::Error> {
        let mut values = Values { changes: Changes::new(), kind: PhantomData };
        values.update_from_arg_matches(matches)?;
        Ok(values)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for field in K::KIND.fields.iter().filter(|field| field.can_be_set()) {
            if let Some(text) = matches.get_one::<String>(&format!("field-{}", field.name)) {
                self.changes.push((field.name.to_string(), text.clone()));
            }
        }
        self.changes.extend(matches.get_many::<(String, String)>(OWN).into_iter().flatten().cloned());
        Ok(())
    }
}
