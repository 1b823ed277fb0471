-- Spreads Nexora's tables over a PostgreSQL cluster with Citus (https://docs.citusdata.com): on the coordinator, after
-- `nexora migrate`, and once more after an upgrade that brought new tables.
--
--   psql "$DATABASE_URL" --single-transaction --file scripts/citus.sql
--
-- Rows of a tenant lie together on one worker. Tables that they refer to, and that belong to no tenant, are copied to
-- every worker; all others stay on the coordinator.

DO $$
DECLARE
  wanted regclass;
BEGIN
  CREATE TEMPORARY VIEW of_tenants AS
    SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
       AND a.attname = 'tenant_id' AND a.attnotnull;
  CREATE TEMPORARY VIEW parents AS
    SELECT conrelid::regclass AS name, confrelid::regclass AS parent FROM pg_constraint
     WHERE contype = 'f' AND conrelid <> confrelid;

  FOR wanted IN
    SELECT DISTINCT parent FROM parents WHERE name IN (SELECT name FROM of_tenants)
       AND parent NOT IN (SELECT name FROM of_tenants)
       AND parent NOT IN (SELECT logicalrelid FROM pg_dist_partition)
  LOOP
    PERFORM create_reference_table(wanted);
  END LOOP;

  -- A table can be spread once those that it refers to are.
  LOOP
    SELECT min(o.name::text)::regclass INTO wanted FROM of_tenants o
     WHERE o.name NOT IN (SELECT logicalrelid FROM pg_dist_partition)
       AND NOT EXISTS (SELECT FROM parents p WHERE p.name = o.name
                          AND p.parent NOT IN (SELECT logicalrelid FROM pg_dist_partition));
    EXIT WHEN wanted IS NULL;
    PERFORM create_distributed_table(wanted, 'tenant_id');
  END LOOP;

  DROP VIEW parents;
  DROP VIEW of_tenants;
END
$$;
