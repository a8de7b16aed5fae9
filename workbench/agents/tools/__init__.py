"""Tools that come with the workbench: documents to write, and a calendar to share."""
