//! What in a text would grow without bound, found by reading it.
//!
//! minijinja counts instructions, not what each of them makes: a text that is joined to itself forty
//! times over in `set` lines would fill any memory. So what is made by joining is not joined again
//! under another name, multiplication is for numbers, and loops whose number of turns can be read
//! must end within what a text may take.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, Stmt};
use minijinja::machinery::{parse, parse_expr};
use minijinja::syntax::SyntaxConfig;

use super::allowance::INSTRUCTIONS;

/// Joins in one expression.
const JOINS: usize = 64;

/// Filters that make a text or a list longer than what they were given.
const LENGTHENING: &[&str] = &["replace", "join", "format", "indent", "tojson", "sum"];

/// Filters whose result is a number, or that fail.
const NUMBERS: &[&str] = &["int", "float", "length", "count", "round", "abs"];

/// Says what is wrong with a text, if anything is. What is no template is left to the compiler.
pub fn fault_of_text(source: &str) -> Option<String> {
    let Ok(Stmt::Template(template)) = parse(source, "text", SyntaxConfig::default()) else { return None };
    let mut locals = BTreeSet::new();
    for statement in &template.children {
        bound_names(statement, &mut locals);
    }
    let mut walk = Walk { locals, statements: 0, fault: None };
    walk.all(&template.children, 1);
    walk.fault
}

/// Says what is wrong with a condition, if anything is.
pub fn fault_of_condition(source: &str) -> Option<String> {
    let expression = parse_expr(source).ok()?;
    let mut walk = Walk { locals: BTreeSet::new(), statements: 0, fault: None };
    walk.made(&expression);
    walk.fault
}

struct Walk<'a> {
    /// The names that the text itself gives.
    locals: BTreeSet<&'a str>,
    /// Statements gone through, loops by their turns.
    statements: u64,
    fault: Option<String>,
}

impl<'a> Walk<'a> {
    fn all(&mut self, statements: &[Stmt<'a>], times: u64) {
        for statement in statements {
            self.statements = self.statements.saturating_add(times);
            if self.statements > INSTRUCTIONS {
                self.refuse(format!("its loops take more than {INSTRUCTIONS} turns"));
            }
            if self.fault.is_none() {
                self.statement(statement, times);
            }
        }
    }

    fn statement(&mut self, statement: &Stmt<'a>, times: u64) {
        match statement {
            Stmt::Template(template) => self.all(&template.children, times),
            Stmt::EmitExpr(emit) => self.made(&emit.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(each) => {
                self.named(&each.iter);
                each.filter_expr.iter().for_each(|filter| self.made(filter));
                self.all(&each.body, times.saturating_mul(turns(&each.iter)));
                self.all(&each.else_body, times);
            }
            Stmt::IfCond(branch) => {
                self.made(&branch.expr);
                self.all(&branch.true_body, times);
                self.all(&branch.false_body, times);
            }
            Stmt::WithBlock(with) => {
                with.assignments.iter().for_each(|(_, value)| self.named(value));
                self.all(&with.body, times);
            }
            Stmt::Set(set) => self.named(&set.expr),
            Stmt::SetBlock(set) => {
                set.filter.iter().for_each(|filter| self.made(filter));
                self.all(&set.body, times);
            }
            Stmt::AutoEscape(escape) => self.all(&escape.body, times),
            Stmt::FilterBlock(block) => {
                self.made(&block.filter);
                self.all(&block.body, times);
            }
            Stmt::Macro(own) => {
                own.defaults.iter().for_each(|value| self.named(value));
                self.all(&own.body, times);
            }
            Stmt::CallBlock(block) => {
                self.arguments(&block.call);
                self.all(&block.macro_decl.body, times);
            }
            Stmt::Do(call) => self.arguments(&call.call),
            Stmt::Block(_) | Stmt::Import(_) | Stmt::FromImport(_) | Stmt::Extends(_) | Stmt::Include(_) => {
                self.refuse("a text stands alone: it includes and extends no other".to_owned());
            }
        }
    }

    /// Looks at a value that is written, or compared, and then gone.
    fn made(&mut self, expression: &Expr<'a>) {
        let nodes = nodes(expression);
        if nodes.iter().filter(|node| lengthens(node)).count() > JOINS {
            self.refuse(format!("joins more than {JOINS} texts in one expression"));
        }
        for node in nodes {
            match node {
                Expr::BinOp(operation) if matches!(operation.op, BinOpKind::Mul) => {
                    let other = [&operation.left, &operation.right].into_iter().find(|side| !is_number(side));
                    if other.is_some() {
                        self.refuse(
                            "`*` is for numbers: write `(… | int) * 2` or `(… | float) * 2`".to_owned(),
                        );
                    }
                }
                Expr::Call(call) => self.arguments(call),
                _ => {}
            }
        }
    }

    /// Looks at a value that gets a name, under which it can be joined again.
    fn named(&mut self, expression: &Expr<'a>) {
        self.made(expression);
        let nodes = nodes(expression);
        let local = nodes.iter().find_map(|node| match node {
            Expr::Var(name) if self.locals.contains(name.id) => Some(name.id),
            _ => None,
        });
        if let Some(name) = local.filter(|_| nodes.iter().any(|node| lengthens(node))) {
            self.refuse(format!(
                "`{name}` is made in this text, and is joined or listed here under another name: \
                 write it where it is shown"
            ));
        }
    }

    fn arguments(&mut self, call: &Call<'a>) {
        for argument in &call.args {
            self.named(value_of(argument));
        }
    }

    fn refuse(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// Collects the names that a statement gives.
fn bound_names<'a>(statement: &Stmt<'a>, names: &mut BTreeSet<&'a str>) {
    let bodies: Vec<&[Stmt<'a>]> = match statement {
        Stmt::Template(template) => vec![&template.children],
        Stmt::ForLoop(each) => {
            targets(&each.target, names);
            vec![&each.body, &each.else_body]
        }
        Stmt::IfCond(branch) => vec![&branch.true_body, &branch.false_body],
        Stmt::WithBlock(with) => {
            with.assignments.iter().for_each(|(target, _)| targets(target, names));
            vec![&with.body]
        }
        Stmt::Set(set) => {
            targets(&set.target, names);
            Vec::new()
        }
        Stmt::SetBlock(set) => {
            targets(&set.target, names);
            vec![&set.body]
        }
        Stmt::AutoEscape(escape) => vec![&escape.body],
        Stmt::FilterBlock(block) => vec![&block.body],
        Stmt::Macro(own) => {
            own.args.iter().for_each(|argument| targets(argument, names));
            vec![&own.body]
        }
        Stmt::CallBlock(block) => {
            block.macro_decl.args.iter().for_each(|argument| targets(argument, names));
            vec![&block.macro_decl.body]
        }
        Stmt::EmitExpr(_)
        | Stmt::EmitRaw(_)
        | Stmt::Do(_)
        | Stmt::Block(_)
        | Stmt::Import(_)
        | Stmt::FromImport(_)
        | Stmt::Extends(_)
        | Stmt::Include(_) => Vec::new(),
    };
    bodies.into_iter().flatten().for_each(|inner| bound_names(inner, names));
}

fn targets<'a>(target: &Expr<'a>, names: &mut BTreeSet<&'a str>) {
    for node in nodes(target) {
        if let Expr::Var(name) = node {
            names.insert(name.id);
        }
    }
}

/// Returns how often a loop goes round, where that can be read; else once.
fn turns(list: &Expr<'_>) -> u64 {
    match list {
        Expr::List(list) => u64::try_from(list.items.len()).unwrap_or(u64::MAX),
        Expr::Const(list) => list.value.len().and_then(|length| u64::try_from(length).ok()).unwrap_or(1),
        Expr::Call(call) if matches!(&call.expr, Expr::Var(name) if name.id == "range") => {
            let number = |argument: &CallArg<'_>| match value_of(argument) {
                Expr::Const(number) => i64::try_from(number.value.clone()).ok(),
                _ => None,
            };
            let bounds: Vec<Option<i64>> = call.args.iter().map(number).collect();
            let length = match bounds.as_slice() {
                [Some(end)] => *end,
                [Some(start), Some(end)] => end.saturating_sub(*start),
                _ => 1,
            };
            u64::try_from(length.max(0)).unwrap_or(u64::MAX)
        }
        _ => 1,
    }
}

/// Tells whether an operation makes something longer than each of its parts.
fn lengthens(node: &Expr<'_>) -> bool {
    match node {
        Expr::BinOp(operation) => match operation.op {
            BinOpKind::Concat => true,
            BinOpKind::Add => !is_number(node),
            _ => false,
        },
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => true,
        Expr::Filter(filter) if filter.name == "map" => matches!(filter.args.first(), Some(CallArg::Pos(_))),
        Expr::Filter(filter) => LENGTHENING.contains(&filter.name),
        _ => false,
    }
}

/// Tells whether a value can only be a number.
fn is_number(expression: &Expr<'_>) -> bool {
    match expression {
        Expr::Const(value) => value.value.is_number(),
        Expr::UnaryOp(_) => true,
        Expr::BinOp(operation) => match operation.op {
            BinOpKind::Add => is_number(&operation.left) || is_number(&operation.right),
            BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => true,
            _ => false,
        },
        Expr::Filter(filter) => NUMBERS.contains(&filter.name),
        Expr::GetAttr(name) => matches!(&name.expr, Expr::Var(root) if root.id == "loop"),
        _ => false,
    }
}

/// Returns an expression and everything within it.
fn nodes<'e, 'a>(expression: &'e Expr<'a>) -> Vec<&'e Expr<'a>> {
    let mut all = vec![expression];
    let mut next = 0;
    while let Some(node) = all.get(next).copied() {
        all.extend(parts(node));
        next += 1;
    }
    all
}

fn parts<'e, 'a>(expression: &'e Expr<'a>) -> Vec<&'e Expr<'a>> {
    let arguments = |list: &'e [CallArg<'a>]| list.iter().map(value_of);
    match expression {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => {
            let bounds = [&slice.start, &slice.stop, &slice.step].into_iter().flatten();
            std::iter::once(&slice.expr).chain(bounds).collect()
        }
        Expr::UnaryOp(operation) => vec![&operation.expr],
        Expr::BinOp(operation) => vec![&operation.left, &operation.right],
        Expr::Compare(compare) => {
            std::iter::once(&compare.expr).chain(compare.ops.iter().map(|other| &other.expr)).collect()
        }
        Expr::IfExpr(branch) => {
            let always = [&branch.test_expr, &branch.true_expr];
            always.into_iter().chain(branch.false_expr.iter()).collect()
        }
        Expr::Filter(filter) => filter.expr.iter().chain(arguments(&filter.args)).collect(),
        Expr::Test(test) => std::iter::once(&test.expr).chain(arguments(&test.args)).collect(),
        Expr::GetAttr(name) => vec![&name.expr],
        Expr::GetItem(item) => vec![&item.expr, &item.subscript_expr],
        Expr::Call(call) => std::iter::once(&call.expr).chain(arguments(&call.args)).collect(),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

fn value_of<'e, 'a>(argument: &'e CallArg<'a>) -> &'e Expr<'a> {
    match argument {
        CallArg::Pos(value)
        | CallArg::Kwarg(_, value)
        | CallArg::PosSplat(value)
        | CallArg::KwargSplat(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_by_its_own_result_is_refused() {
        for source in [
            "{% set x = 'ab' %}{% set x = x ~ x %}{{ x }}",
            "{% set x = ['ab'] %}{% set x = x + x %}",
            "{% set x = lead.name %}{% set x = [x, x] %}",
            "{% with x = 'a' %}{% with y = x ~ x %}{{ y }}{% endwith %}{% endwith %}",
            "{% for x in ['a'] %}{% for y in [x ~ x] %}{{ y }}{% endfor %}{% endfor %}",
            "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('a') }}",
            "{% set x = 'a' %}{% set x = x | replace('a', 'aa') %}",
            "{% set x = 'a' %}{% set x = x | tojson %}",
            "{% set x = ['a'] %}{% set x = x | map('replace', 'a', 'aa') %}",
            "{{ lead.name * 1000 }}",
            "{{ 'a' * 100000000 }}",
        ] {
            assert!(fault_of_text(source).is_some(), "{source}");
        }
        assert!(fault_of_condition("lead.name * 9 == 'x'").is_some());
        assert!(fault_of_condition(&format!("lead.name{}", " ~ lead.name".repeat(100))).is_some());
    }

    #[test]
    fn loops_are_refused_whose_turns_can_be_read() {
        let nested = "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}";
        assert!(fault_of_text(nested).unwrap().contains("loops"));
        assert_eq!(fault_of_text("{% for a in range(100) %}{{ a }}{% endfor %}"), None);
    }

    #[test]
    fn what_people_write_is_let_through() {
        for source in [
            "Hello {{ lead.name ~ ', ' ~ lead.service }}",
            "{% set d = steps.digest.digest %}{{ d.leads | length }}",
            "{% for x in d.leads %}{{ loop.index + 1 }}. {{ x.name ~ ':' }}{% endfor %}",
            "{% macro v(list) %}{% for x in list %}{{ x }}{% endfor %}{% endmacro %}{{ v(d.today) }}",
            "{% set names = d.leads | map(attribute='name') | join(', ') %}{{ names }}",
            "{{ (lead.cost | int) * 2 + 1 }}",
            "{{ lead.name | replace(' ', '-') }}",
            "{% for way in [lead.email, lead.phone] %}{{ way }}{% endfor %}",
        ] {
            assert_eq!(fault_of_text(source), None, "{source}");
        }
    }
}
