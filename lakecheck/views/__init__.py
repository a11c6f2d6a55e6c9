"""What people look at: sentences, the terminal's summary and live table, the report's page.

Everything here reads documents (flat JSON objects) and plan.json, and nothing else.
"""
