//! How filters, searches and orders of records are said in SQL, the same for both databases: what one finds, the other does.

use crate::Conn;
use crate::dialect::holding;
use crate::record::{Deleted, Query};
use nexora_core::model::TenantId;
use nexora_core::model::record::filter::{Filter, Test};
use nexora_core::model::record::search::Word;
use nexora_core::model::record::{Field, FieldKind, Place, RecordKind, Schema};

/// A statement that is put together, with the texts that are bound in it.
pub struct Sql {
    is_sqlite: bool,
    binds: Vec<String>,
}

impl Sql {
    pub fn new(conn: &Conn) -> Sql {
        Sql { is_sqlite: matches!(conn, Conn::Sqlite(_)), binds: Vec::new() }
    }

    pub fn binds(&self) -> Vec<String> {
        self.binds.clone()
    }

    /// Binds a text, and returns what stands for it.
    pub fn bind(&mut self, text: &str) -> String {
        // PostgreSQL keeps no zero bytes.
        self.binds.push(text.replace('\0', ""));
        format!("${}", self.binds.len())
    }

    /// Returns the beginning of a query for records as JSON.
    pub fn select(&self, kind: &RecordKind) -> String {
        let (object, end, json) = if self.is_sqlite {
            ("json_object", "", "json(t.fields)")
        } else {
            ("json_build_object", "::text", "t.fields::json")
        };
        let all = ["id", "created_at", "updated_at", "deleted_at"].map(|name| format!("'{name}', t.{name}"));
        let own = kind.fields.iter().filter_map(|field| {
            let sql = match field.place {
                Place::Column => format!("t.{}", field.name),
                Place::Elsewhere(sql) | Place::Linked(sql) => sql.to_owned(),
                Place::Fields => return None,
            };
            Some(format!("'{}', {sql}", field.name))
        });
        let parts: Vec<String> = all.into_iter().chain([format!("'fields', {json}")]).chain(own).collect();
        format!("SELECT {object}({}){end} AS said FROM {} t", parts.join(", "), kind.table)
    }

    /// Returns the condition that a query's records meet.
    pub fn condition(&mut self, tenant: &TenantId, schema: &Schema, query: &Query) -> String {
        let mut parts = vec![format!("t.tenant_id = {}", self.bind(tenant.as_str()))];
        parts.push(match query.deleted {
            Deleted::Without => "t.deleted_at IS NULL".to_owned(),
            Deleted::Only => "t.deleted_at IS NOT NULL".to_owned(),
        });
        if let Some(id) = &query.behind {
            parts.push(format!("t.id {} {}", if query.is_descending { "<" } else { ">" }, self.bind(id)));
        }
        if query.filter != Filter::All(Vec::new()) {
            parts.push(self.filter(&query.filter));
        }
        for word in &query.search {
            parts.push(self.word(schema.kind, word));
        }
        parts.join(" AND ")
    }

    /// Returns the order of a query.
    pub fn order(&self, query: &Query) -> String {
        let way = if query.is_descending { "DESC" } else { "ASC" };
        match &query.order {
            None => format!("t.id {way}"),
            Some(field) => {
                let value =
                    if field.kind.is_number() { self.number(field) } else { self.folded(&self.text(field)) };
                format!("CASE WHEN {value} IS NULL THEN 1 ELSE 0 END, {value} {way}, t.id {way}")
            }
        }
    }

    fn filter(&mut self, filter: &Filter) -> String {
        match filter {
            Filter::All(parts) => self.joined(parts, " AND ", "TRUE"),
            Filter::Any(parts) => self.joined(parts, " OR ", "FALSE"),
            Filter::Not(part) => format!("NOT {}", self.filter(part)),
            Filter::Field(field, test) => self.test(field, test),
            Filter::InGroup(id) => {
                let id = self.bind(id);
                format!(
                    "EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = t.tenant_id AND m.group_id = {id}
                               AND m.contact_id = t.id)"
                )
            }
        }
    }

    fn joined(&mut self, parts: &[Filter], between: &str, none: &str) -> String {
        match parts {
            [] => none.to_owned(),
            parts => {
                format!("({})", parts.iter().map(|part| self.filter(part)).collect::<Vec<_>>().join(between))
            }
        }
    }

    fn test(&mut self, field: &Field, test: &Test) -> String {
        let text = self.text(field);
        // True or false of every record, never unknown: `NOT` turns it round.
        match test {
            Test::Empty if field.kind.is_number() => format!("({} IS NULL)", self.number(field)),
            Test::Empty => format!("(coalesce({text}, '') IN ('', '[]'))"),
            Test::Is(wanted) => {
                let wanted = self.bind(&wanted.to_ascii_lowercase());
                format!("(coalesce({}, '') = {wanted})", self.folded(&text))
            }
            Test::Contains(part) => {
                let pattern = self.bind(&holding(&part.to_ascii_lowercase()));
                format!("(coalesce({}, '') LIKE {pattern} ESCAPE '\\')", self.folded(&text))
            }
            Test::Has(word) => {
                // A word of a list stands between quotation marks, as JSON writes it.
                let quoted = serde_json::Value::from(word.to_ascii_lowercase()).to_string();
                let pattern = self.bind(&holding(&quoted));
                format!("(coalesce({}, '') LIKE {pattern} ESCAPE '\\')", self.folded(&text))
            }
            Test::Number(order, number) => {
                format!("(coalesce({} {} {number:?}, FALSE))", self.number(field), order.sign())
            }
            Test::Day(order, day) => {
                let day = self.bind(day);
                format!("(coalesce({} {} {day}, FALSE))", self.bytes(&text), order.sign())
            }
        }
    }

    fn word(&mut self, kind: &RecordKind, word: &Word) -> String {
        let mut ways = vec![format!("t.search LIKE {} ESCAPE '\\'", self.bind(&holding(&word.text)))];
        if let Some(sound) = &word.sound {
            ways.push(format!("t.search LIKE {} ESCAPE '\\'", self.bind(&holding(sound))));
        }
        if let Some(digits) = word.digits.as_ref().filter(|digits| **digits != word.text) {
            ways.push(format!("t.search LIKE {} ESCAPE '\\'", self.bind(&holding(digits))));
        }
        if let Some(elsewhere) = kind.searched_elsewhere {
            let part = word.digits.as_ref().unwrap_or(&word.text);
            let pattern = self.bind(&holding(part));
            ways.push(elsewhere.replace("{pattern}", &pattern));
        }
        format!("({})", ways.join(" OR "))
    }

    /// Returns what a field says, as text; a list is JSON, and so are yes and no.
    fn text(&self, field: &Field) -> String {
        match field.place {
            Place::Column => format!("t.{}", field.name),
            Place::Elsewhere(sql) | Place::Linked(sql) => sql.to_owned(),
            Place::Fields if self.is_sqlite && matches!(field.kind, FieldKind::Tags | FieldKind::YesNo) => {
                format!("(t.fields -> '$.{}')", field.name)
            }
            Place::Fields if self.is_sqlite => format!("(t.fields ->> '$.{}')", field.name),
            Place::Fields => format!("(t.fields::json ->> '{}')", field.name),
        }
    }

    /// Returns what a field says as a number; nothing where it says something else, as before it was defined anew.
    fn number(&self, field: &Field) -> String {
        let text = self.text(field);
        match field.place {
            Place::Column | Place::Elsewhere(_) | Place::Linked(_) => text,
            Place::Fields if self.is_sqlite => {
                format!("(CASE WHEN typeof({text}) IN ('integer', 'real') THEN {text} END)")
            }
            Place::Fields => format!(
                "(CASE WHEN json_typeof(t.fields::json -> '{}') = 'number' THEN {text}::double precision END)",
                field.name
            ),
        }
    }

    /// Returns a text in small letters: those of ASCII, which both databases know.
    fn folded(&self, text: &str) -> String {
        if self.is_sqlite { format!("lower({text})") } else { format!("lower(({text}) COLLATE \"C\")") }
    }

    /// Returns a text that is compared byte by byte.
    fn bytes(&self, text: &str) -> String {
        if self.is_sqlite { text.to_owned() } else { format!("(({text}) COLLATE \"C\")") }
    }
}
