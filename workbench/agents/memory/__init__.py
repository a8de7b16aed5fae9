"""Memory: what happened (episodic), what is known (semantic), and which of it went into a prompt (the ledger)."""
