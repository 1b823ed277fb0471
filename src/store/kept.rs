//! Queries whose prepared statement is kept for the next time.
//!
//! Diesel prepares updates, and queries written out in SQL, anew each time, since it cannot tell from their type what
//! they say. Kept by what they say they cost no more than others; parsing them took a third of all work on a run.

use diesel::backend::Backend;
use diesel::query_builder::{AsChangeset, AstPass, IntoUpdateTarget, Query, QueryFragment, QueryId};
use diesel::{QueryResult, QuerySource, RunQueryDsl};

/// A query for rows that is known again by its text.
pub struct Kept<Q>(Q);

/// Has the prepared statement of a query for rows kept. The number of its texts must be small.
pub fn kept<Q>(query: Q) -> Kept<Q> {
    Kept(query)
}

impl<Q, DB: Backend> QueryFragment<DB> for Kept<Q>
where
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Kept<Q> {}

/// Rows that are to be changed.
pub struct Target<F, W> {
    from: F,
    rows: W,
}

/// An update that is known again by its text.
pub struct Update<F, W, V> {
    target: Target<F, W>,
    values: V,
}

/// Begins an update as `diesel::update` does; its prepared statement is kept.
pub fn update<T>(target: T) -> Target<<T::Table as QuerySource>::FromClause, T::WhereClause>
where
    T: IntoUpdateTarget,
{
    let target = target.into_update_target();
    Target { from: target.table.from_clause(), rows: target.where_clause }
}

impl<F, W> Target<F, W> {
    /// Says what the rows' columns become.
    pub fn set<V: AsChangeset>(self, values: V) -> Update<F, W, V::Changeset> {
        Update { target: self, values: values.as_changeset() }
    }
}

impl<F, W, V, DB: Backend> QueryFragment<DB> for Update<F, W, V>
where
    F: QueryFragment<DB>,
    W: QueryFragment<DB>,
    V: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.target.from.walk_ast(pass.reborrow())?;
        pass.push_sql(" SET ");
        self.values.walk_ast(pass.reborrow())?;
        self.target.rows.walk_ast(pass)
    }
}

impl<F, W, V> QueryId for Update<F, W, V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<F, W, V, C> RunQueryDsl<C> for Update<F, W, V> {}
