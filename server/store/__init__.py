"""The database: tables, transactions, and one module for each thing that is stored."""
