"""Files for other programs: texts, documents, tables, runs and chat data; and tables read back."""
