DROP INDEX notices_by_state;
