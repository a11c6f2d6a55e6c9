"""Results as flat JSON documents: built, redacted, kept in a journal, written as JUnit."""

from lakecheck.documents.journal import Journal, read
from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import Context, Result, document

__all__ = ["Context", "Journal", "Redactor", "Result", "document", "read"]
