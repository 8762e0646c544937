"""Policy SQL: parsed, simplified for one persona, and decided in three-valued logic. Pure: no server is asked."""
