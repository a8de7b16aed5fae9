"""The only room that talks to models: client, call cache, meter and budget, embedded model, embeddings."""
